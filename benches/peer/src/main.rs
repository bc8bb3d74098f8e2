//! tenaxum 0.2, asked what the isolation bench asks tenantry, in a process of its own: it is built on another version
//! of sqlx. The bench starts it and tells it what to do, one JSON value a line.
//!
//! How tenaxum is used follows <https://docs.rs/tenaxum/0.2.0/tenaxum/> ("Pattern 1 — pool-scoped (recommended for
//! production apps)" and "Pattern 2 — explicit `begin_tenant`") and
//! <https://docs.rs/tenaxum/0.2.0/tenaxum/pool/index.html>. Its policies' setting is `app.tenant_id`, as tenantry's,
//! so that both ask the same tables under the same policies.

#[path = "../../src/isolation/pace.rs"]
mod pace;
#[path = "../../src/isolation/question.rs"]
mod question;
#[path = "../../src/isolation/wire.rs"]
mod wire;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use pace::Ask;
use question::{Cell, Draw, Question, Side, names_tenant, statement};
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgConnection, PgPool, Row};
use tenaxum::{PgPoolExt, TenantId, pool};
use tokio::runtime::Runtime;
use uuid::Uuid;
use wire::{PeerJob, PeerWay, Tell, Told};

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Fault> {
    let mut lines = std::io::stdin().lock().lines();
    let Some(job) = lines.next() else { return Ok(()) };
    let job: PeerJob = serde_json::from_str(&job?)?;
    let runtime = if job.is_stepped {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    } else {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?
    };
    let pools = Arc::new(runtime.block_on(Pools::open(&job))?);
    for line in lines {
        let told = obey(&runtime, &pools, serde_json::from_str(&line?)?)
            .unwrap_or_else(|error| Told::Failed(error.to_string()));
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &told)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

fn obey(runtime: &Runtime, pools: &Arc<Pools>, tell: Tell) -> Result<Told, Fault> {
    let asker = |way| Asker { way, pools: Arc::clone(pools) };
    match tell {
        Tell::Block { way, cell, micros, seed } => {
            let span = Duration::from_micros(micros);
            Ok(Told::Took(runtime.block_on(pace::block(&asker(way), cell, span, seed))?))
        }
        Tell::Once { way, cell, seed } => {
            let (tenant, key) = Draw::new(seed).row(cell);
            runtime.block_on(asker(way).ask(cell, tenant, key))?;
            Ok(Told::Done)
        }
        Tell::Settle => {
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
            Ok(Told::Done)
        }
        Tell::Serve { way, cell } => {
            let port = runtime.block_on(serve(asker(way), cell))?;
            Ok(Told::Serves(port))
        }
    }
}

struct Pools {
    /// By hand.
    ordinary: PgPool,
    /// "wires `before_acquire` / `after_release` / `after_connect` hooks": <https://docs.rs/tenaxum/0.2.0/tenaxum/pool/>.
    hooked: PgPool,
    hooked_no_ping: PgPool,
    /// For `begin_tenant`, which takes any pool: one without the ping is the fastest.
    explicit: PgPool,
    tenants: Vec<Uuid>,
    statements: HashMap<(Question, bool, usize), &'static str>,
}

impl Pools {
    async fn open(job: &PeerJob) -> Result<Self, Fault> {
        let options = || PgPoolOptions::new().max_connections(job.connections);
        let no_ping = || options().test_before_acquire(false);
        let mut statements = HashMap::new();
        for tenants in [1, 1_000, 10_000] {
            for question in Question::ALL {
                let by_hand = statement(question, Side::Statement, "public.", tenants);
                statements.insert((question, true, tenants), &*by_hand.leak());
                let by_policy = statement(question, Side::Policy, "public.", tenants);
                statements.insert((question, false, tenants), &*by_policy.leak());
            }
        }
        Ok(Self {
            ordinary: options().connect_lazy(&job.by_hand)?,
            hooked: pool::with_tenant_hooks(options()).connect_lazy(&job.app)?,
            hooked_no_ping: pool::with_tenant_hooks(no_ping()).connect_lazy(&job.app)?,
            explicit: no_ping().connect_lazy(&job.app)?,
            tenants: job.tenants.clone(),
            statements,
        })
    }

    fn tenant(&self, number: usize) -> Result<Uuid, Fault> {
        self.tenants.get(number).copied().ok_or_else(|| "no such tenant".into())
    }
}

#[derive(Clone)]
struct Asker {
    way: PeerWay,
    pools: Arc<Pools>,
}

impl Ask for Asker {
    async fn ask(&self, cell: Cell, tenant: usize, key: i64) -> Result<(), String> {
        self.once(cell, tenant, key).await.map_err(|error| error.to_string())
    }
}

impl Asker {
    async fn once(&self, cell: Cell, number: usize, key: i64) -> Result<(), Fault> {
        let id = self.pools.tenant(number)?;
        match self.way {
            PeerWay::Pool | PeerWay::Begin => self.in_scope(cell, number, key).await,
            PeerWay::Hooks | PeerWay::HooksNoPing => {
                pool::scope_tenant(TenantId::from(id), self.in_scope(cell, number, key)).await
            }
        }
    }

    /// As a handler would, with the tenant in the task where the way takes it from there.
    async fn in_scope(&self, cell: Cell, number: usize, key: i64) -> Result<(), Fault> {
        let pools = &*self.pools;
        let id = pools.tenant(number)?;
        let is_by_hand = self.way == PeerWay::Pool;
        let side = if is_by_hand { Side::Statement } else { Side::Policy };
        let text = pools.statements.get(&(cell.question, is_by_hand, cell.tenants)).copied();
        let text = text.ok_or("no such statement")?;
        let named = names_tenant(cell.question, side).then_some(id);
        let asked = Asked { question: cell.question, text, named, key, number };
        match self.way {
            PeerWay::Pool => asked.of(&mut *pools.ordinary.acquire().await?).await,
            PeerWay::Hooks => asked.of(&mut *pools.hooked.acquire().await?).await,
            PeerWay::HooksNoPing => asked.of(&mut *pools.hooked_no_ping.acquire().await?).await,
            PeerWay::Begin => {
                let tenant = TenantId::from(id);
                let mut tx = pools.explicit.begin_tenant(&tenant).await?;
                asked.of(&mut tx).await?;
                if cell.question.is_write() {
                    tx.commit().await?;
                }
                Ok(())
            }
        }
    }
}

struct Asked {
    question: Question,
    text: &'static str,
    named: Option<Uuid>,
    key: i64,
    number: usize,
}

impl Asked {
    async fn of(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let query = sqlx::query(self.text).bind(self.key);
        let query = match self.named {
            Some(tenant) => query.bind(tenant),
            None => query,
        };
        let answered = if self.question.is_write() {
            query.execute(connection).await?.rows_affected()
        } else if self.question.rows() == 1 {
            self.check(&query.fetch_one(connection).await?)?;
            1
        } else {
            let rows = query.fetch_all(connection).await?;
            rows.iter().try_for_each(|row| self.check(row))?;
            rows.len() as u64
        };
        if answered == self.question.rows() { Ok(()) } else { Err(format!("{answered} rows").into()) }
    }

    fn check(&self, row: &PgRow) -> Result<(), Fault> {
        let mark: i64 = row.try_get(0)?;
        let _: String = row.try_get(1)?;
        let _: i64 = row.try_get(2)?;
        if usize::try_from(mark) == Ok(self.number) { Ok(()) } else { Err("another tenant's row".into()) }
    }
}

/// The smallest service: for the hooks with tenaxum's own middleware, behind one that knows the tenant.
async fn serve(asker: Asker, cell: Cell) -> Result<u16, Fault> {
    let is_hooked = matches!(asker.way, PeerWay::Hooks | PeerWay::HooksNoPing);
    let state = (asker, cell);
    let routes = Router::new().route("/{tenant}/{key}", get(answer));
    let routes = if is_hooked {
        routes
            .layer(middleware::from_fn(pool::tenant_scope))
            .layer(middleware::from_fn_with_state(state.clone(), name_tenant))
    } else {
        routes
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let routes = routes.with_state(state);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(port)
}

async fn name_tenant(
    State((asker, _)): State<(Asker, Cell)>,
    Path((tenant, _)): Path<(usize, i64)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Ok(id) = asker.pools.tenant(tenant) {
        request.extensions_mut().insert(TenantId::from(id));
    }
    next.run(request).await
}

async fn answer(
    State((asker, cell)): State<(Asker, Cell)>,
    Path((tenant, key)): Path<(usize, i64)>,
) -> Result<&'static str, (axum::http::StatusCode, String)> {
    let answered = asker.in_scope(cell, tenant, key).await;
    answered
        .map(|()| "ok")
        .map_err(|error| (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
