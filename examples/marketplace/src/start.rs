//! From settings to a running server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tenantry::http::{Gate, InvalidToken, TokenVerifier, UnguardedRoutes, VerifiedToken};
use tenantry::{MemoryCounters, Tenantry, Timestamp, Worker};
use tenantry_identity::{AccessTokens, Cost, HashingError, Passwords, SecretFile, SecretOrigin, TokenError};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::database::{self, DatabaseError, Store};
use crate::model::{self, ModelError};
use crate::payments::{ChildError, PaymentWork, Provider, ProviderChild, ProviderError, SharedSecret};
use crate::settings::Settings;
use crate::state::{Marketplace, OrderTerms};
use crate::{routes, seed};

/// How long requests in flight may take to finish once the server is told to end.
const GRACE: Duration = Duration::from_secs(30);
/// How often in a row the payment provider is started again.
const RESTARTS: u32 = 6;
/// How many tenants and tokens the gate remembers.
const REMEMBERED: u64 = 100_000;

/// Serves the marketplace until the process is told to end.
///
/// # Errors
/// [`StartError`] says what is in the way, and what to do about it.
pub async fn run(settings: Settings) -> Result<(), StartError> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| StartError::Listen(settings.listen, error))?;
    let address = listener.local_addr()?;
    let store = database::open(&settings).await?;
    let secret = shared_secret(&settings)?;
    let (url, child) = match &settings.provider_url {
        Some(url) => (url.clone(), None),
        None => {
            let (state, secret) = (settings.provider_state_path(), settings.provider_secret_path());
            let child = ProviderChild::start(&state, &secret, address).await?;
            (child.url().clone(), Some(child))
        }
    };
    let market = assemble(&settings, store, Provider::new(url, secret)?)?;
    seed::platform(&market, &settings).await?;
    if !settings.no_demo
        && let Err(error) = seed::demo(&market, &settings, address).await
    {
        tracing::warn!(%error, "there is no demo: somebody else has one of its names");
    }
    if market.worker.is_none() {
        println!(
            "marketplace: without the admin's address (--admin-database) nothing runs that reaches more than one tenant: no \
             timer, no report of the payment provider's, and suspending or reactivating a tenant is answered with 503"
        );
    }
    println!("marketplace: http://{}:{}", settings.base_domain.as_str(), address.port());
    println!("listening {address}");
    serve(market, listener, child).await
}

/// Everything that a handler has.
fn assemble(settings: &Settings, store: Store, provider: Provider) -> Result<Marketplace, StartError> {
    let catalog = model::catalog().map_err(ModelError::from)?;
    let app = Tenantry::new(store.shared(), catalog, model::plans(settings)?);
    let (key, origin) = SecretFile::open_or_create(settings.secret_path())
        .map_err(|error| StartError::Secret(settings.secret_path().display().to_string(), error))?;
    if origin == SecretOrigin::Created {
        println!("marketplace: made {} (mode 600): keep it", settings.secret_path().display());
    }
    let issuer = format!("https://{}", settings.base_domain.as_str());
    let tokens = AccessTokens::new(issuer, "marketplace", key, &[]);
    let counters = Arc::new(MemoryCounters::new());
    let platform = model::platform_slug().map_err(|_| ModelError::Word("platform"))?;
    let verifier = Arc::new(Verifier(tokens.clone()));
    let gate = Gate::builder(app.clone(), settings.base_domain.clone(), platform, verifier, counters.clone())
        .cache_capacity(REMEMBERED)
        .build();
    let work = PaymentWork { app: app.clone(), store: store.clone(), provider: provider.clone() };
    let worker = store.reaches_across().then(|| Worker::new(app.clone(), Arc::new(work)));
    let nudge = worker.as_ref().map(Worker::nudge).unwrap_or_default();
    Ok(Marketplace {
        app,
        store,
        gate,
        counters,
        passwords: Passwords::new(Cost::OWASP)?,
        tokens,
        provider,
        worker,
        nudge,
        terms: OrderTerms {
            fee: settings.fee_bps,
            review: settings.review_period.duration(),
            payment_window: settings.payment_window.duration(),
        },
    })
}

/// Serves until the process is told to end; requests in flight finish, and so does work that was begun.
async fn serve(
    market: Marketplace,
    listener: TcpListener,
    child: Option<ProviderChild>,
) -> Result<(), StartError> {
    let (end, ending) = watch::channel(false);
    let ended = |mut ending: watch::Receiver<bool>| async move {
        let _closed = ending.wait_for(|ending| *ending).await.is_err();
    };
    let worker = market.worker.clone().map(|worker| tokio::spawn(worker.run(ended(ending.clone()))));
    let end = Arc::new(end);
    let child = tokio::spawn(watch_over(child, Arc::clone(&end), ended(ending.clone())));
    tokio::spawn(async move {
        told_to_end().await;
        tracing::info!("ending: requests in flight finish");
        end.send_replace(true);
    });
    let service = routes::service(market)?.into_make_service_with_connect_info::<SocketAddr>();
    let mut deadline = ending.clone();
    let served = async move { axum::serve(listener, service).with_graceful_shutdown(ended(ending)).await };
    tokio::select! {
        served = served => served?,
        () = async {
            let _closed = deadline.wait_for(|ending| *ending).await.is_err();
            tokio::time::sleep(GRACE).await;
        } => tracing::warn!("requests in flight took longer than {GRACE:?}: they are cut off"),
    }
    for task in worker.into_iter().chain([child]) {
        if let Err(error) = task.await {
            tracing::warn!(%error, "a background task ended badly");
        }
    }
    Ok(())
}

/// Keeps the provider until the end, and starts it again when it ends before. When that doesn't help, the
/// marketplace ends too: it can't sell.
async fn watch_over(
    child: Option<ProviderChild>,
    end: Arc<watch::Sender<bool>>,
    ending: impl Future<Output = ()>,
) {
    let Some(mut child) = child else { return ending.await };
    tokio::pin!(ending);
    loop {
        tokio::select! {
            () = &mut ending => return child.stop().await,
            ended = child.ended() => tracing::error!(?ended, "the payment provider has ended: starting it again"),
        }
        let again = tokio::select! {
            () = &mut ending => return,
            again = start_again(&child) => again,
        };
        let Some(again) = again else {
            tracing::error!("the payment provider doesn't start again: the marketplace ends");
            end.send_replace(true);
            return;
        };
        child = again;
    }
}

/// Tries a few times, with growing pauses.
async fn start_again(child: &ProviderChild) -> Option<ProviderChild> {
    for attempt in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(250) * (1 << attempt)).await;
        match child.again().await {
            Ok(again) => return Some(again),
            Err(error) => tracing::error!(%error, attempt, "the payment provider doesn't start"),
        }
    }
    None
}

async fn told_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminated) = signal(SignalKind::terminate()) else {
            let _cannot_listen = interrupted.await.is_err();
            return;
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _cannot_listen = interrupted.await.is_err();
    }
}

fn shared_secret(settings: &Settings) -> Result<SharedSecret, StartError> {
    let path = settings.provider_secret_path();
    let failed = |error| StartError::Secret(path.display().to_string(), error);
    SecretFile::open_or_create(&path).map_err(failed)?;
    SharedSecret::read(&path).map_err(failed)
}

/// The gate's view of the access tokens.
struct Verifier(AccessTokens);

impl TokenVerifier for Verifier {
    fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        let claims = self.0.verify(token, now).map_err(|error: TokenError| {
            tracing::debug!(%error, "a token was refused");
            InvalidToken
        })?;
        Ok(VerifiedToken {
            tenant: claims.tenant,
            realm: claims.realm,
            user: claims.user,
            expires_at: claims.expires_at,
            mfa_at: None,
        })
    }
}

/// Why the marketplace doesn't serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Nobody has said who may use a route.
    #[error(transparent)]
    Routes(#[from] UnguardedRoutes),
    /// The address can't be listened on.
    #[error("can't listen on {0}: {1}; choose another with --listen")]
    Listen(SocketAddr, io::Error),
    /// A secret can't be read or made.
    #[error("{0}: {1}")]
    Secret(String, io::Error),
    /// The database can't be opened, or may not be served from.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The payment provider can't be started.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The payment provider can't be asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The model is wrong.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Passwords can't be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The platform or the demo can't be seeded.
    #[error("can't seed: {0}")]
    Seed(String),
    /// The network.
    #[error(transparent)]
    Io(#[from] io::Error),
}
