//! Twenty routes, each with a permission of its own, for both services.

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use tenantry::http::axum::{Guarded, Routes, get as guarded_get};
use tenantry::http::{Gate, Require, UnguardedRoutes};

use crate::composed::{Admitted, Composed};

/// What every handler answers.
pub(crate) const PONG: &str = "pong";

/// A route and what it asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) area: &'static str,
    pub(crate) action: &'static str,
}

macro_rules! routes {
    ($($(#[doc = $doc:literal])+ $permission:ident = $key:literal at $path:literal of $area:literal $action:literal;)+) => {
        tenantry::permissions! {
            pub(crate) fn every;

            $($(#[doc = $doc])+ pub(crate) $permission = $key;)+
        }

        pub(crate) const ROUTES: &[Route] = &[$(Route { path: $path, area: $area, action: $action }),+];

        /// Behind the gate.
        pub(crate) fn gated(gate: &Gate) -> Result<Guarded, UnguardedRoutes> {
            Routes::new()$(.route($path, guarded_get(|_: Require<$permission>| async { PONG })))+.behind(gate)
        }

        /// With nothing around them.
        pub(crate) fn bare() -> Router {
            Router::new()$(.route($path, get(|| async { PONG })))+
        }

        /// Asking the enforcer in the handler, which spares another layer.
        pub(crate) fn enforced() -> Router<Composed> {
            Router::new()$(.route(
                $path,
                get(|State(composed): State<Composed>, Extension(caller): Extension<Admitted>| async move {
                    composed.permit(&caller, $area, $action).map(|()| PONG)
                }),
            ))+
        }
    };
}

routes! {
    /// Read invoices.
    InvoiceRead = "invoice:read" at "/invoices/read" of "invoice" "read";
    /// Write invoices.
    InvoiceWrite = "invoice:write" at "/invoices/write" of "invoice" "write";
    /// Read orders.
    OrderRead = "order:read" at "/orders/read" of "order" "read";
    /// Write orders.
    OrderWrite = "order:write" at "/orders/write" of "order" "write";
    /// Read listings.
    ListingRead = "listing:read" at "/listings/read" of "listing" "read";
    /// Write listings.
    ListingWrite = "listing:write" at "/listings/write" of "listing" "write";
    /// Read payouts.
    PayoutRead = "payout:read" at "/payouts/read" of "payout" "read";
    /// Write payouts.
    PayoutWrite = "payout:write" at "/payouts/write" of "payout" "write";
    /// Read members.
    MemberRead = "member:read" at "/members/read" of "member" "read";
    /// Write members.
    MemberWrite = "member:write" at "/members/write" of "member" "write";
    /// Read reports.
    ReportRead = "report:read" at "/reports/read" of "report" "read";
    /// Write reports.
    ReportWrite = "report:write" at "/reports/write" of "report" "write";
    /// Read tickets.
    TicketRead = "ticket:read" at "/tickets/read" of "ticket" "read";
    /// Write tickets.
    TicketWrite = "ticket:write" at "/tickets/write" of "ticket" "write";
    /// Read webhooks.
    WebhookRead = "webhook:read" at "/webhooks/read" of "webhook" "read";
    /// Write webhooks.
    WebhookWrite = "webhook:write" at "/webhooks/write" of "webhook" "write";
    /// Read exports.
    ExportRead = "export:read" at "/exports/read" of "export" "read";
    /// Write exports.
    ExportWrite = "export:write" at "/exports/write" of "export" "write";
    /// Read settings.
    SettingRead = "setting:read" at "/settings/read" of "setting" "read";
    /// Write settings.
    SettingWrite = "setting:write" at "/settings/write" of "setting" "write";
}
