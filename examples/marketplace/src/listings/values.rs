//! What a listing is on the wire, and what makes one valid.

use semver::Version;
use serde::{Deserialize, Serialize};
use tenantry::http::{FieldErrors, Validate};
use tenantry::{Currency, Slug, Terms, Timestamp};
use utoipa::ToSchema;

use crate::wire::Money;

/// The longest name, in characters.
const MAX_NAME: usize = 200;
/// The longest summary, in characters.
const MAX_SUMMARY: usize = 5_000;
/// The most names in a list of resources.
const MAX_RESOURCES: usize = 100;
/// The longest name of a resource, in bytes: a DNS name's.
const MAX_RESOURCE: usize = 253;
/// The longest path of an asset, in bytes.
const MAX_PATH: usize = 1_024;

/// A listing as a seller sends it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct ListingDraft {
    /// Its name for people.
    pub(crate) name: String,
    /// Its name in addresses: unique within the seller, and among the published.
    #[schema(example = "corner-shop")]
    pub(crate) slug: String,
    /// A semantic version.
    #[schema(example = "1.0.0")]
    pub(crate) version: String,
    /// What it is.
    pub(crate) summary: String,
    /// Above zero.
    pub(crate) price: Price,
    /// Whether it is published; left out, a new one is, and one that is replaced stays as it was.
    #[serde(default)]
    pub(crate) publish: Option<bool>,
    /// What it needs there.
    #[serde(default)]
    pub(crate) cloudflare: Cloudflare,
    /// The documents that come with it: seen by its seller only.
    #[serde(default, rename = "businessAssets")]
    pub(crate) business_assets: BusinessAssets,
}

/// A price as it is sent: checked field by field.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// Minor units.
    #[schema(example = 4900)]
    pub(crate) amount: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

/// Resources at Cloudflare, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cloudflare {
    /// Workers.
    pub(crate) workers: Vec<String>,
    /// D1 databases.
    pub(crate) d1_databases: Vec<String>,
    /// R2 buckets.
    pub(crate) r2_buckets: Vec<String>,
    /// DNS records.
    pub(crate) dns_records: Vec<String>,
}

/// Documents, by their paths: relative and without `..`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct BusinessAssets {
    /// Market research.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) market_research: Option<String>,
    /// Business plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) business_plan: Option<String>,
}

/// A listing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ListingView {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) price: Money,
    /// The seller's slug.
    pub(crate) seller: String,
    pub(crate) published: bool,
    pub(crate) cloudflare: Cloudflare,
    /// For its seller only.
    #[serde(rename = "businessAssets", skip_serializing_if = "Option::is_none")]
    pub(crate) business_assets: Option<BusinessAssets>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: Timestamp,
}

impl Validate for ListingDraft {
    fn validate(&self, errors: &mut FieldErrors) {
        let name = self.name.trim();
        let name_fits =
            !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
        errors.check("name", name_fits, "1 to 200 characters, no control characters");
        if let Err(invalid) = self.slug.parse::<Slug>() {
            errors.push("slug", invalid.to_string());
        }
        if Version::parse(&self.version).is_err() || self.version.len() > 100 {
            errors.push("version", "a semantic version such as 1.0.0, at most 100 characters");
        }
        let summary_fits = (1..=MAX_SUMMARY).contains(&self.summary.trim().chars().count());
        errors.check("summary", summary_fits, "1 to 5000 characters");
        let amount_fits = (1..=Terms::MAX_GROSS).contains(&self.price.amount);
        errors.check("price.amount", amount_fits, "between 1 and 1000000000000 minor units");
        if let Err(invalid) = self.price.currency.parse::<Currency>() {
            errors.push("price.currency", invalid.to_string());
        }
        self.cloudflare.validate(errors);
        self.business_assets.validate(errors);
    }
}

impl Cloudflare {
    fn validate(&self, errors: &mut FieldErrors) {
        let lists = [
            ("workers", &self.workers),
            ("d1_databases", &self.d1_databases),
            ("r2_buckets", &self.r2_buckets),
            ("dns_records", &self.dns_records),
        ];
        for (list, names) in lists {
            let field = format!("cloudflare.{list}");
            errors.check(&field, names.len() <= MAX_RESOURCES, "at most 100 names");
            for (index, name) in names.iter().enumerate().take(MAX_RESOURCES) {
                let fits =
                    (1..=MAX_RESOURCE).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
                let field = format!("{field}[{index}]");
                errors.check(&field, fits, "a name of 1 to 253 visible ASCII characters");
            }
        }
    }
}

impl BusinessAssets {
    fn validate(&self, errors: &mut FieldErrors) {
        let paths = [
            ("businessAssets.marketResearch", &self.market_research),
            ("businessAssets.businessPlan", &self.business_plan),
        ];
        for (field, path) in paths {
            let fits = path.as_deref().is_none_or(is_relative_path);
            errors.check(field, fits, "a relative path without .. such as docs/plan.pdf");
        }
    }
}

/// Whether a path stays below the folder that it is relative to, on any system.
fn is_relative_path(path: &str) -> bool {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    (1..=MAX_PATH).contains(&path.len())
        && !path.starts_with(['/', '~'])
        && !path.contains('\\')
        && !path.contains('%')
        && !path.chars().any(char::is_control)
        && !is_drive
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_leave_their_folder_are_refused() {
        for path in ["plan.pdf", "docs/plan.pdf", "a/..b/c", "übersicht.pdf"] {
            assert!(is_relative_path(path), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "..",
            "~/x",
            "c:/x",
            "a\\..\\b",
            "%2e%2e/x",
            "a\0b",
        ] {
            assert!(!is_relative_path(path), "{path}");
        }
    }
}
