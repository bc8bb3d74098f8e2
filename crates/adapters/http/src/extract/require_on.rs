use std::fmt;
use std::marker::PhantomData;

use tenantry_core::{
    Authorized, Caller, Denied, Permission, Predicate, Readable, RequestFacts, Resource, Unchecked,
};

/// A member who holds the permission `P` on something, or in some requests; on what, it decides once that is loaded.
///
/// It is [`Require<P>`](crate::Require) for what one names by an id: a role may allow `P` under a condition
/// (`document:edit when resource.owner = caller.id`), or on one resource. Whoever may do `P` to nothing at all is answered
/// 403 before anything is loaded or the body is looked at. Everybody else comes to the handler, and [`authorize`] decides:
/// 404 for what the caller may not see, which is the answer for what doesn't exist, and 403 for what it may see but not do
/// `P` to.
///
/// It isn't called a permit, since it permits nothing yet: it is what the route *requires*, still to be asked *on* a
/// resource.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use tenantry_core::{Authorized, Readable, Resource, Unchecked, Value, permissions};
/// use tenantry_http::axum::{Methods, put};
/// use tenantry_http::{Body, Problem, RequireOn, Validate};
///
/// permissions! {
///     /// See a document.
///     pub DocumentRead = "document:read";
///     /// Change a document.
///     pub DocumentEdit = "document:edit";
/// }
///
/// struct Document {
///     id: i64,
///     text: String,
/// }
/// #
/// # impl Resource for Document {
/// #     const TYPE: &'static str = "document";
/// #     const ID: tenantry_core::Kind = tenantry_core::Kind::Integer;
/// #
/// #     fn id(&self) -> Value<'_> {
/// #         self.id.into()
/// #     }
/// #
/// #     fn attribute(&self, _: &str) -> Option<Value<'_>> {
/// #         None
/// #     }
/// # }
/// #
/// # impl Readable for Document {
/// #     type Read = DocumentRead;
/// # }
/// #
/// # #[derive(serde::Deserialize)]
/// # struct Text(String);
/// #
/// # impl Validate for Text {}
///
/// async fn load(id: i64) -> Option<Unchecked<Document>> {
///     (id == 1).then(|| Unchecked::new(Document { id, text: "Plans".to_owned() }))
/// }
///
/// async fn store(document: Authorized<Document, DocumentEdit>, text: String) {
///     println!("{} becomes {text}", document.text);
/// }
///
/// async fn replace(editor: RequireOn<DocumentEdit>, Body(Text(text)): Body<Text>) -> Result<(), Problem> {
///     let document = editor.authorize(load(1).await)?;
///     store(document, text).await;
///     Ok(())
/// }
///
/// let methods: Methods = put(replace);
/// # }
/// ```
///
/// A handler that forgets to ask doesn't compile, since what was loaded isn't what can be stored:
///
/// ```compile_fail,E0308
/// # use tenantry_core::{Authorized, Readable, Resource, Unchecked, Value, permissions};
/// # use tenantry_http::RequireOn;
/// # permissions! {
/// #     /// Change a document.
/// #     pub DocumentEdit = "document:edit";
/// # }
/// # struct Document(i64);
/// # fn load(id: i64) -> Unchecked<Document> { Unchecked::new(Document(id)) }
/// # fn store(document: Authorized<Document, DocumentEdit>) { drop(document) }
/// async fn replace(editor: RequireOn<DocumentEdit>) {
///     store(load(1));
/// }
/// ```
///
/// Nor does one that asks for another permission than what it then does takes:
///
/// ```compile_fail,E0308
/// # use tenantry_core::{Authorized, Denied, Readable, Resource, Unchecked, Value, permissions};
/// # use tenantry_http::RequireOn;
/// # permissions! {
/// #     /// See a document.
/// #     pub DocumentRead = "document:read";
/// #     /// Change a document.
/// #     pub DocumentEdit = "document:edit";
/// # }
/// # struct Document(i64);
/// # impl Resource for Document {
/// #     const TYPE: &'static str = "document";
/// #     fn id(&self) -> Value<'_> { self.0.into() }
/// #     fn attribute(&self, _: &str) -> Option<Value<'_>> { None }
/// # }
/// # impl Readable for Document { type Read = DocumentRead; }
/// # fn load(id: i64) -> Unchecked<Document> { Unchecked::new(Document(id)) }
/// # fn store(document: Authorized<Document, DocumentEdit>) { drop(document) }
/// async fn replace(reader: RequireOn<DocumentRead>) -> Result<(), Denied> {
///     let document: Authorized<Document, DocumentRead> = reader.authorize(load(1))?;
///     store(document);
///     Ok(())
/// }
/// ```
///
/// It is no [`Caller`] by itself, so that the short way to a resource is the one that asks.
///
/// [`authorize`]: Self::authorize
pub struct RequireOn<P> {
    caller: Caller,
    request: RequestFacts,
    asked: PhantomData<fn() -> P>,
}

impl<P: Permission> RequireOn<P> {
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn new(caller: Caller, request: RequestFacts) -> Self {
        Self { caller, request, asked: PhantomData }
    }

    /// What was loaded, if the caller may do `P` to it in this request. What a loader hasn't found may be given as it is.
    ///
    /// # Errors
    /// [`Denied`], which is a [`Problem`](crate::Problem) by `?`: 404 for what isn't there and for what the caller may not
    /// see, with the same body; 403 for what it may see but not do `P` to.
    pub fn authorize<R: Readable>(
        &self,
        found: impl Into<Option<Unchecked<R>>>,
    ) -> Result<Authorized<R, P>, Denied> {
        self.caller.authorize(found.into().ok_or(Denied::Hidden)?, &self.request)
    }

    /// Which resources of type `R` the caller may do `P` to in this request, for the statement of a list: the decision of
    /// [`authorize`](Self::authorize), as a predicate over rows of the caller's tenant.
    #[must_use]
    pub fn filter<R: Resource>(&self) -> Predicate {
        self.caller.principal().authority().filter_of::<P, R>(&self.request)
    }

    /// Who makes the request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What conditions may ask of the request: for [`Caller::check`], where an answer says what else the caller may do.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        &self.request
    }
}

impl<P> Clone for RequireOn<P> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), request: self.request.clone(), asked: PhantomData }
    }
}

impl<P: Permission> fmt::Debug for RequireOn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireOn").field("permission", &P::KEY).field("caller", &self.caller).finish()
    }
}
