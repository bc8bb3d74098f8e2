use std::sync::Arc;

use tenantry_core::{Kind, Literal, RequestFacts};

use super::{Admission, Gate, GateBuilder, RequestView};

/// What an application reads of a request for conditions to ask.
pub(super) type Attributes = Arc<dyn Fn(&dyn RequestView) -> Vec<(&'static str, Literal)> + Send + Sync>;

const ADDRESS: &str = "address";

/// What conditions may ask of a request. It is read here, so that no handler makes it up.
impl Gate {
    /// The attributes that the gate gives each request, besides those that are built in: the address of whoever is at the
    /// other end of the connection, as a text such as `192.0.2.1`. There is none where it isn't known.
    ///
    /// To be declared where the catalog is built, so that roles whose conditions ask for it can be stored:
    ///
    /// ```
    /// use tenantry_core::{Catalog, Declared, permissions};
    /// use tenantry_http::Gate;
    ///
    /// permissions! {
    ///     /// Read the books.
    ///     pub BooksRead = "books:read";
    /// }
    ///
    /// let declared = Declared::new(&[], &Gate::REQUEST_ATTRIBUTES)?;
    /// let catalog = Catalog::builder().permission::<BooksRead>().attributes(declared).build()?;
    /// let at_the_office = "books:read when request.address = '192.0.2.1'".parse()?;
    /// assert!(catalog.check_grants(&[at_the_office]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const REQUEST_ATTRIBUTES: [(&'static str, Kind); 1] = [(ADDRESS, Kind::Text)];

    /// What conditions may ask of a request that passed: the time of the store's clock, when its token says that a second
    /// factor was proved, [the gate's own attributes](Self::REQUEST_ATTRIBUTES) and those that
    /// [the application reads](GateBuilder::request_attributes).
    ///
    /// Where these can't be had at all (one of them has no valid name, or a text of more than 1,000 bytes), there are
    /// none: what conditions ask of them is unknown then, which allows nothing.
    #[must_use]
    pub fn facts(&self, request: &impl RequestView, admission: &Admission) -> RequestFacts {
        let facts = RequestFacts::new(self.tenantry().now(), admission.mfa_at());
        let own = self.inner.attributes.as_ref().map(|read| read(request)).unwrap_or_default();
        let is_own = own.iter().any(|(name, _)| *name == ADDRESS);
        let peer = request.peer().filter(|_| !is_own).map(|peer| peer.to_canonical().to_string());
        let address = peer.map(|address| (ADDRESS, Literal::Text(address.into())));
        match facts.clone().with_attributes(own.into_iter().chain(address)) {
            Ok(facts) => facts,
            Err(error) => {
                tracing::warn!(%error, "the request's attributes can't be asked for: they count as unknown");
                facts
            }
        }
    }
}

impl GateBuilder {
    /// Reads attributes of each request, for conditions to ask as `request.NAME`: a region that a proxy names, say. An
    /// `address` among them takes the place of the gate's own, for a service behind a proxy that it trusts. What a client
    /// can send by itself is no fact: take nothing of which a proxy isn't sure to remove the client's own.
    ///
    /// ```
    /// use tenantry_core::Literal;
    /// use tenantry_http::{GateBuilder, RequestView};
    ///
    /// fn with_region(gate: GateBuilder) -> GateBuilder {
    ///     gate.request_attributes(|request| {
    ///         let region = request.field("x-region").map(|region| ("region", Literal::Text(region.into())));
    ///         region.into_iter().collect()
    ///     })
    /// }
    /// ```
    pub fn request_attributes(
        mut self,
        read: impl Fn(&dyn RequestView) -> Vec<(&'static str, Literal)> + Send + Sync + 'static,
    ) -> Self {
        self.attributes = Some(Arc::new(read));
        self
    }
}
