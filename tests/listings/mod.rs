//! Two sellers' listings, in a table of the application's own, behind handlers of axum and of actix-web.

mod actix_app;
mod axum_app;
mod shop;

use std::pin::pin;

use serde_json::json;

pub(crate) use shop::{Door, Listing, Rows, Shop, away, refused, taken};

/// Whose handlers are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// A request of a seller's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    /// For its listings.
    Listings,
    /// To put one up.
    PutUp { slug: &'static str, price: i64 },
}

impl Ask {
    fn method(self) -> &'static str {
        match self {
            Self::Listings => "GET",
            Self::PutUp { .. } => "POST",
        }
    }

    fn body(self) -> String {
        match self {
            Self::Listings => String::new(),
            Self::PutUp { slug, price } => json!({ "slug": slug, "price": price }).to_string(),
        }
    }
}

impl Framework {
    pub(crate) const BOTH: [Self; 2] = [Self::Axum, Self::Actix];

    /// The status and the body of the answer.
    async fn answer<R: Rows>(self, shop: &Shop<R>, of: &str, ask: Ask) -> (u16, String) {
        match self {
            Self::Axum => axum_app::answer(shop, of, ask).await,
            Self::Actix => actix_app::answer(shop, of, ask).await,
        }
    }

    async fn listings<R: Rows>(self, shop: &Shop<R>, of: &str) -> String {
        let (status, listings) = self.answer(shop, of, Ask::Listings).await;
        assert_eq!(status, 200, "{self:?}: {listings}");
        listings
    }

    async fn put_up<R: Rows>(
        self,
        shop: &Shop<R>,
        of: &str,
        slug: &'static str,
        price: i64,
    ) -> (u16, String) {
        self.answer(shop, of, Ask::PutUp { slug, price }).await
    }
}

/// A handler reads and writes its own tenant's rows, and uses its tenant's quota with them.
pub(crate) async fn keeps_to_its_tenant<R: Rows>(framework: Framework, shop: &Shop<R>) {
    let (status, listings) = framework.put_up(shop, "red", "a", 5).await;
    assert_eq!((status, &*listings), (201, "a for 5"), "{framework:?}");
    assert_eq!(framework.put_up(shop, "blue", "a", 7).await, (201, "a for 7".to_owned()));
    assert_eq!(framework.put_up(shop, "blue", "b", 8).await, (201, "a for 7, b for 8".to_owned()));
    assert_eq!(framework.listings(shop, "red").await, "a for 5");
    assert_eq!(framework.listings(shop, "blue").await, "a for 7, b for 8");
    assert_eq!((shop.used("red").await, shop.used("blue").await), (1, 2));
}

/// What is refused, by the table or by the plan, leaves neither a row nor a use.
pub(crate) async fn leaves_nothing_when_it_refuses<R: Rows>(framework: Framework, shop: &Shop<R>) {
    assert_eq!(framework.put_up(shop, "red", "a", 5).await.0, 201);
    assert_eq!(framework.put_up(shop, "red", "a", 6).await.0, 409, "{framework:?}");
    assert_eq!((&*framework.listings(shop, "red").await, shop.used("red").await), ("a for 5", 1));
    assert_eq!(framework.put_up(shop, "red", "b", 6).await.0, 201);
    assert_eq!(framework.put_up(shop, "red", "c", 7).await.0, 402, "{framework:?}");
    assert_eq!((&*framework.listings(shop, "red").await, shop.used("red").await), ("a for 5, b for 6", 2));
}

/// A request that is dropped after it has written and before it commits leaves nothing, and is in nobody's way.
pub(crate) async fn leaves_nothing_when_it_is_dropped<R: Rows>(framework: Framework, shop: &Shop<R>) {
    shop.door.close();
    {
        let mut asked = pin!(framework.put_up(shop, "red", "a", 5));
        tokio::select! {
            answered = &mut asked => panic!("{framework:?}: {answered:?}"),
            () = shop.door.has_come() => {}
        }
    }
    shop.door.open();
    assert_eq!((&*framework.listings(shop, "red").await, shop.used("red").await), ("", 0));
    assert_eq!(framework.put_up(shop, "red", "a", 6).await, (201, "a for 6".to_owned()));
    assert_eq!((&*framework.listings(shop, "red").await, shop.used("red").await), ("a for 6", 1));
}
