//! The platform, its first admin, and the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use rand::distr::{Alphanumeric, SampleString as _};
use sqlx::FromRow;
use tenantry::{Failure, Founding, RegistrationRefusal, RequestFacts, StoredSecret, TenantCtx};
use tenantry_identity::Password;

use crate::auth::new_tenant;
use crate::database::either;
use crate::listings::{self, BusinessAssets, Cloudflare, ListingDraft, Price};
use crate::model::{self, Kind};
use crate::payments::reachable;
use crate::settings::Settings;
use crate::start::StartError;
use crate::state::Marketplace;

/// How long a password is that the marketplace makes.
const PASSWORD_LENGTH: usize = 24;

fn failed(error: impl std::fmt::Display) -> StartError {
    StartError::Seed(error.to_string())
}

/// Makes the platform and its first admin, once.
pub(crate) async fn platform(market: &Marketplace, settings: &Settings) -> Result<(), StartError> {
    let slug = model::platform_slug().map_err(failed)?;
    if market.app.store().tenant_by_slug(&slug).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    let email = match &settings.admin_email {
        Some(email) => email.clone(),
        None => format!("admin@{}", settings.base_domain.as_str()).parse().map_err(failed)?,
    };
    let read = |path: &PathBuf| {
        let failed = |error| StartError::Secret(path.display().to_string(), error);
        std::fs::read_to_string(path).map_err(failed)
    };
    let given = settings.admin_password_file.as_ref().map(read).transpose()?;
    let password = given.as_deref().map_or_else(new_password, |given| given.trim_end().to_owned());
    let founding = Founding {
        slug,
        name: "Marketplace".to_owned(),
        kind: Kind::Platform.tenant_kind()?,
        plan: Kind::Platform.first_plan()?,
        roles: Kind::Platform.roles()?,
        email: email.clone(),
        user_name: "Admin".to_owned(),
        secret: hashed(market, &password).await?,
        reach: tenantry::Reach::Here,
    };
    if given.is_none() {
        println!("marketplace: admin {email}, password {password} (shown this once)");
    }
    market.app.found(&founding).await.map(drop).map_err(failed)
}

fn new_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}

async fn hashed(market: &Marketplace, password: &str) -> Result<StoredSecret, StartError> {
    let password = Password::new(password).map_err(failed)?;
    let hash = market.passwords.hash(password).await?;
    Ok(StoredSecret::new(hash.as_str().to_owned()))
}

/// The demo's tenants: kind, slug, name.
const TENANTS: [(Kind, &str, &str); 5] = [
    (Kind::Seller, "seller-one", "Seller One"),
    (Kind::Seller, "seller-two", "Seller Two"),
    (Kind::Buyer, "buyer-one", "Buyer One"),
    (Kind::Buyer, "buyer-two", "Buyer Two"),
    (Kind::Investor, "investor-one", "Investor One"),
];

/// The demo's listings: seller, slug, name, price in cents.
const LISTINGS: [(&str, &str, &str, i64); 3] = [
    ("seller-one", "corner-shop", "Corner shop", 4_900),
    ("seller-one", "newsletter", "Newsletter with 2,000 readers", 129_900),
    ("seller-two", "booking-desk", "Booking desk for hairdressers", 79_900),
];

/// Makes two sellers with listings, two buyers and an investor, once, and prints a purchase as commands.
pub(crate) async fn demo(
    market: &Marketplace,
    settings: &Settings,
    address: SocketAddr,
) -> Result<(), StartError> {
    let slug = model::platform_slug().map_err(failed)?;
    let platform = market.app.resolve(&slug).await.map_err(failed)?;
    let demo = Demo::load_or_begin(market, &platform).await?;
    if !demo.is_complete {
        let secret = hashed(market, &demo.password).await?;
        for (kind, slug, name) in TENANTS {
            let registration =
                new_tenant(kind, slug, name, &owner_of(slug), secret.clone()).map_err(failed)?;
            match market.app.register(&platform, registration).await {
                Ok(_) | Err(Failure::Refused(RegistrationRefusal::SlugTaken)) => {}
                Err(failure) => return Err(failed(failure)),
            }
        }
        for (seller, slug, name, price) in LISTINGS {
            list(market, seller, slug, name, price).await?;
        }
        Demo::complete(market, &platform).await?;
    }
    print_purchase(settings, address, &demo.password);
    Ok(())
}

/// What is kept of the demo: its owners' password, so that each start can print it, and whether it is complete.
#[derive(FromRow)]
struct Demo {
    password: String,
    is_complete: bool,
}

impl Demo {
    async fn load_or_begin(market: &Marketplace, platform: &TenantCtx) -> Result<Self, StartError> {
        let mut tx = market.store.begin(platform).await.map_err(failed)?;
        let (tenant, password) = (platform.id().as_uuid(), new_password());
        either!(tx.connection(), connection => sqlx::query(
            "INSERT INTO demo (tenant_id, password, is_complete) VALUES ($1, $2, FALSE)
             ON CONFLICT (tenant_id) DO NOTHING",
        )
        .bind(tenant)
        .bind(password)
        .execute(connection)
        .await
        .map(drop))
        .map_err(failed)?;
        let demo = either!(tx.connection(), connection => sqlx::query_as(
            "SELECT password, is_complete FROM demo WHERE tenant_id = $1",
        )
        .bind(tenant)
        .fetch_one(connection)
        .await);
        tx.commit().await.map_err(failed)?;
        demo.map_err(failed)
    }

    async fn complete(market: &Marketplace, platform: &TenantCtx) -> Result<(), StartError> {
        let mut tx = market.store.begin(platform).await.map_err(failed)?;
        either!(tx.connection(), connection => sqlx::query(
            "UPDATE demo SET is_complete = TRUE WHERE tenant_id = $1",
        )
        .bind(platform.id().as_uuid())
        .execute(connection)
        .await
        .map(drop))
        .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}

fn owner_of(slug: &str) -> String {
    format!("owner@{slug}.example")
}

async fn list(
    market: &Marketplace,
    seller: &str,
    slug: &str,
    name: &str,
    price: i64,
) -> Result<(), StartError> {
    let draft = ListingDraft {
        name: name.to_owned(),
        slug: slug.to_owned(),
        version: "1.0.0".to_owned(),
        summary: format!("{name}, ready to run."),
        price: Price { amount: price, currency: "USD".to_owned() },
        publish: Some(true),
        cloudflare: Cloudflare { workers: vec![slug.to_owned()], ..Cloudflare::default() },
        business_assets: BusinessAssets {
            market_research: Some("research.pdf".to_owned()),
            business_plan: Some("plan.pdf".to_owned()),
        },
    };
    let tenant = market.app.resolve(&seller.parse().map_err(failed)?).await.map_err(failed)?;
    let (realm, email) = (tenant.tenant().realm, owner_of(seller).parse().map_err(failed)?);
    let owner = market.app.store().user_by_email(realm, &email).await.map_err(failed)?;
    let owner = owner.ok_or_else(|| failed("the demo's owner is gone"))?;
    let caller = market.app.admit(&tenant, realm, owner.id).await.map_err(failed)?;
    let request = RequestFacts::new(market.app.now(), None);
    match listings::store_new(market, &caller, &request, &draft).await {
        Ok(_) => Ok(()),
        Err(problem) if problem.status() == 409 => Ok(()),
        Err(problem) => Err(failed(problem)),
    }
}

fn print_purchase(settings: &Settings, address: SocketAddr, password: &str) {
    let (domain, address) = (settings.base_domain.as_str(), reachable(address));
    println!(
        r#"
A purchase, from sign-in to release (needs bash, curl and jq); every demo owner's password is {password}

  market() {{ curl -sS -H "Host: $1.{domain}" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "http://{address}$2" "${{@:3}}"; }}
  TOKEN=$(market buyer-one /api/auth/login -d '{{"email":"owner@buyer-one.example","password":"{password}"}}' | jq -r .access_token)
  market buyer-one /api/listings | jq '.items[] | {{slug, price}}'
  PLACED=$(market buyer-one /api/orders -H "Idempotency-Key: $(date +%s%N)" -d '{{"listing":"corner-shop"}}')
  ORDER=$(jq -r .order.id <<<"$PLACED")
  curl -sS -H 'Content-Type: application/json' -d '{{"outcome":"paid"}}' "$(jq -r .checkout_url <<<"$PLACED")"
  sleep 1; market buyer-one "/api/orders/$ORDER" | jq '{{state, review_ends_at, actions}}'
  market buyer-one "/api/orders/$ORDER/accept" -X POST | jq .state
  TOKEN=$(market seller-one /api/auth/login -d '{{"email":"owner@seller-one.example","password":"{password}"}}' | jq -r .access_token)
  market seller-one /api/balance | jq .items
"#
    );
}
