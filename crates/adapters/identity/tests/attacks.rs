//! Tokens that somebody forged, bent or kept too long: each is refused, with the code that says why.

#[cfg(test)]
mod forge {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::{Value, json};
    use sha2::Sha256;
    use tenantry_core::{RealmId, TenantId, Timestamp, UserId};
    use tenantry_identity::{AccessTokens, SigningKey};

    pub(crate) const CURRENT: &[u8] = b"the current key, of some 32 bytes or more";
    pub(crate) const PREVIOUS: &[u8] = b"the previous key, of some 32 bytes or more";
    pub(crate) const STRANGERS: &[u8] = b"a stranger's key, of some 32 bytes or more";
    pub(crate) const ISSUER: &str = "https://id.example.com";
    pub(crate) const AUDIENCE: &str = "marketplace";
    pub(crate) const TENANT: &str = "01890000-0000-7000-8000-00000000000a";
    pub(crate) const REALM: &str = "01890000-0000-7000-8000-00000000000b";
    pub(crate) const USER: &str = "01890000-0000-7000-8000-00000000000c";

    pub(crate) fn now() -> Timestamp {
        "2026-01-31T12:00:00Z".parse().unwrap()
    }

    pub(crate) fn tokens() -> AccessTokens {
        AccessTokens::new(ISSUER, AUDIENCE, key(CURRENT), &[key(PREVIOUS)])
    }

    pub(crate) fn key(secret: &[u8]) -> SigningKey {
        SigningKey::from_bytes(secret).unwrap()
    }

    pub(crate) fn ids() -> (TenantId, RealmId, UserId) {
        (TENANT.parse().unwrap(), REALM.parse().unwrap(), USER.parse().unwrap())
    }

    pub(crate) fn header() -> Value {
        json!({ "typ": "JWT", "alg": "HS256", "kid": key(CURRENT).id() })
    }

    pub(crate) fn claims() -> Value {
        let second = now().as_seconds();
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": USER, "realm": REALM, "tenant": TENANT,
            "iat": second, "exp": second + 900, "jti": "01890000-0000-7000-8000-00000000000d",
        })
    }

    /// The object with one member set; with none of that name when `value` is None.
    pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Option<Value>>) -> Value {
        let members = object.as_object_mut().unwrap();
        match value.into() {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        object
    }

    /// `object`'s text with the member `name` in it a second time.
    pub(crate) fn twice(object: &Value, name: &str) -> String {
        let text = object.to_string();
        format!("{},\"{name}\":{}}}", text.strip_suffix('}').unwrap(), object[name])
    }

    /// A token of these two texts, with an HS256 signature of `secret` that is right.
    pub(crate) fn sign(header: &str, claims: &str, secret: &[u8]) -> String {
        let message = unsigned(header, claims);
        let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&message).finalize();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
    }

    pub(crate) fn unsigned(header: &str, claims: &str) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    pub(crate) fn valid() -> String {
        sign(&header().to_string(), &claims().to_string(), CURRENT)
    }

    pub(crate) fn with_header(name: &str, value: impl Into<Option<Value>>) -> String {
        sign(&with(header(), name, value).to_string(), &claims().to_string(), CURRENT)
    }

    pub(crate) fn with_claim(name: &str, value: impl Into<Option<Value>>) -> String {
        sign(&header().to_string(), &with(claims(), name, value).to_string(), CURRENT)
    }

    /// Signed with our own secret, in earnest, with another algorithm.
    pub(crate) fn with_algorithm(algorithm: Algorithm) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(key(CURRENT).id().to_owned());
        encode(&header, &claims(), &EncodingKey::from_secret(CURRENT)).unwrap()
    }
}

#[cfg(test)]
mod attacks {
    use std::time::Duration;

    use jsonwebtoken::Algorithm;
    use serde_json::json;
    use tenantry_core::Timestamp;
    use tenantry_identity::{AccessTokens, TokenSubject};

    use crate::forge::{
        AUDIENCE, CURRENT, ISSUER, PREVIOUS, REALM, STRANGERS, TENANT, USER, claims, header, ids, key, now,
        sign, tokens, twice, unsigned, valid, with, with_algorithm, with_claim, with_header,
    };

    const CLAIMS: [&str; 8] = ["iss", "aud", "sub", "realm", "tenant", "iat", "exp", "jti"];

    #[track_caller]
    fn refused(attacks: impl IntoIterator<Item = (&'static str, String, &'static str)>) {
        let tokens = tokens();
        for (attack, token, code) in attacks {
            let answer = tokens.verify(&token, now()).map_err(|error| error.code());
            assert_eq!(answer, Err(code), "{attack}: {token}");
        }
    }

    #[track_caller]
    fn admitted(good: impl IntoIterator<Item = (&'static str, String)>) {
        let tokens = tokens();
        for (what, token) in good {
            let claims = tokens.verify(&token, now()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((claims.tenant, claims.realm, claims.user), ids(), "{what}");
        }
    }

    #[test]
    fn what_is_valid_is_admitted() {
        let second = now().as_seconds();
        let mut by_previous = header();
        by_previous["kid"] = json!(key(PREVIOUS).id());
        admitted([
            ("ours", valid()),
            ("of the previous key", sign(&by_previous.to_string(), &claims().to_string(), PREVIOUS)),
            ("without typ", with_header("typ", None)),
            ("a claim more", with_claim("amr", json!(["pwd"]))),
            ("issued by a clock 60 s ahead", with_claim("iat", json!(second + 60))),
            ("valid from now on", with_claim("nbf", json!(second))),
            ("expires in a second", with_claim("exp", json!(second + 1))),
        ]);
    }

    #[test]
    fn a_header_may_be_written_with_escapes() {
        let escaped = |id: &str| {
            let id: String = id.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
            format!(r#"{{"alg":"\u0048S256","kid":"{id}"}}"#)
        };
        let (ours, strangers) = (escaped(key(CURRENT).id()), escaped(key(STRANGERS).id()));
        let claims = claims().to_string();
        admitted([("escaped", sign(&ours, &claims, CURRENT))]);
        refused([
            ("escaped, another's signature", sign(&ours, &claims, STRANGERS), "token_bad_signature"),
            ("escaped, a stranger's key", sign(&strangers, &claims, STRANGERS), "token_unknown_key"),
        ]);
    }

    #[test]
    fn issued_tokens_say_what_was_asked_for() {
        let (tenant, realm, user) = ids();
        let tokens = tokens();
        let subject = TokenSubject { tenant, realm, user };
        let noon_and_a_bit = now().after(Duration::from_micros(999_999));
        let token = tokens.issue(&subject, noon_and_a_bit).unwrap();
        let claims = tokens.verify(&token, noon_and_a_bit).unwrap();
        assert_eq!((claims.tenant, claims.realm, claims.user), (tenant, realm, user));
        assert_eq!((claims.issued_at, claims.expires_at), (now(), now().after(Duration::from_secs(900))));
        let again = tokens.issue(&subject, noon_and_a_bit).unwrap();
        assert_ne!(tokens.verify(&again, noon_and_a_bit).unwrap().token_id, claims.token_id);
    }

    #[test]
    fn the_algorithm_is_ours_to_choose() {
        let (header, claims) = (header(), claims().to_string());
        let none = with(header.clone(), "alg", json!("none")).to_string();
        let rs256 = with(header.clone(), "alg", json!("RS256")).to_string();
        refused([
            ("none, no signature", format!("{}.", unsigned(&none, &claims)), "token_wrong_algorithm"),
            ("none, right signature", sign(&none, &claims, CURRENT), "token_wrong_algorithm"),
            ("nOnE", with_header("alg", json!("nOnE")), "token_wrong_algorithm"),
            ("hs256", with_header("alg", json!("hs256")), "token_wrong_algorithm"),
            ("RS256 over our secret", sign(&rs256, &claims, CURRENT), "token_wrong_algorithm"),
            ("a real HS384", with_algorithm(Algorithm::HS384), "token_wrong_algorithm"),
            ("a real HS512", with_algorithm(Algorithm::HS512), "token_wrong_algorithm"),
            ("no algorithm", with_header("alg", None), "token_malformed"),
            ("two algorithms", sign(&twice(&header, "alg"), &claims, CURRENT), "token_malformed"),
            ("a list of them", with_header("alg", json!(["HS256"])), "token_malformed"),
            ("a critical extension", with_header("crit", json!(["b64"])), "token_malformed"),
            ("a header that is a list", sign("[\"HS256\"]", &claims, CURRENT), "token_malformed"),
        ]);
    }

    #[test]
    fn the_key_id_picks_a_key_and_nothing_else() {
        let (header, claims) = (header(), claims().to_string());
        let text = header.to_string();
        let of_previous = with(header.clone(), "kid", json!(key(PREVIOUS).id())).to_string();
        let of_stranger = with(header.clone(), "kid", json!(key(STRANGERS).id())).to_string();
        let strangers_jwk =
            with(header, "jwk", json!({ "kty": "oct", "k": "YSBzdHJhbmdlcidzIGtleQ" })).to_string();
        refused([
            ("a stranger's signature, our key's id", sign(&text, &claims, STRANGERS), "token_bad_signature"),
            ("the wrong one of our keys", sign(&of_previous, &claims, CURRENT), "token_bad_signature"),
            ("a key that it brings along", sign(&strangers_jwk, &claims, STRANGERS), "token_bad_signature"),
            ("a stranger's key", sign(&of_stranger, &claims, STRANGERS), "token_unknown_key"),
            ("no key", with_header("kid", None), "token_unknown_key"),
            ("a key that is null", with_header("kid", json!(null)), "token_unknown_key"),
            ("a key that is empty", with_header("kid", json!("")), "token_unknown_key"),
            ("a file", with_header("kid", json!("../../dev/null")), "token_unknown_key"),
            ("a number", with_header("kid", json!(0)), "token_malformed"),
        ]);
    }

    #[test]
    fn a_rotated_key_is_good_until_it_is_dropped() {
        let old = AccessTokens::new(ISSUER, AUDIENCE, key(PREVIOUS), &[]);
        let (tenant, realm, user) = ids();
        let token = old.issue(&TokenSubject { tenant, realm, user }, now()).unwrap();
        assert!(tokens().verify(&token, now()).is_ok());
        let dropped = AccessTokens::new(ISSUER, AUDIENCE, key(CURRENT), &[]);
        assert_eq!(dropped.verify(&token, now()).unwrap_err().code(), "token_unknown_key");
    }

    #[test]
    fn shape() {
        let valid = valid();
        let (message, signature) = valid.rsplit_once('.').unwrap();
        let other = with_claim("tenant", json!(USER));
        let others_message = other.rsplit_once('.').unwrap().0;
        let header = header().to_string();
        refused([
            ("nothing", String::new(), "token_malformed"),
            ("dots", "..".to_owned(), "token_malformed"),
            ("no signature part", message.to_owned(), "token_malformed"),
            ("an empty signature", format!("{message}."), "token_bad_signature"),
            ("half a signature", format!("{message}.{}", &signature[..20]), "token_bad_signature"),
            ("another token's signature", format!("{others_message}.{signature}"), "token_bad_signature"),
            ("four parts", format!("{valid}.{signature}"), "token_malformed"),
            ("with its scheme", format!("Bearer {valid}"), "token_malformed"),
            ("a line", format!("{valid}\n"), "token_malformed"),
            ("padded", format!("{valid}="), "token_malformed"),
            ("no text", "\u{0}é🔑.\u{0}.\u{0}".to_owned(), "token_malformed"),
            ("no JSON", sign(&header, "tenant", CURRENT), "token_malformed"),
            ("claims that are a string", sign(&header, "\"tenant\"", CURRENT), "token_malformed"),
            ("no claims", sign(&header, "{}", CURRENT), "token_missing_claim"),
        ]);
        let values = json!([ISSUER, AUDIENCE, USER, REALM, TENANT, 0, i64::MAX / 1_000_000, null, USER]);
        let list = json!(["HS256", key(CURRENT).id(), null]);
        refused([
            ("the claims' values as a list", sign(&header, &values.to_string(), CURRENT), "token_malformed"),
            (
                "the header's values as a list",
                sign(&list.to_string(), &claims().to_string(), CURRENT),
                "token_malformed",
            ),
        ]);
    }

    #[test]
    fn no_prefix_and_no_changed_character_is_admitted() {
        let (tokens, valid) = (tokens(), valid());
        for end in 0..valid.len() {
            assert!(tokens.verify(&valid[..end], now()).is_err(), "the first {end} characters");
        }
        for at in 0..valid.len() {
            for instead in ["A", "B", "_", "."] {
                let mut changed = valid.clone();
                changed.replace_range(at..=at, instead);
                assert_eq!(tokens.verify(&changed, now()).is_ok(), changed == valid, "{instead} at {at}");
            }
        }
    }

    #[test]
    fn a_token_longer_than_4_kib_is_not_looked_at() {
        let filled = |bytes: usize| with_claim("fill", json!("x".repeat(bytes)));
        let fits = (0..4096).rev().find(|bytes| filled(*bytes).len() <= 4096).unwrap();
        assert!(filled(fits).len() >= 4095);
        admitted([("just short enough", filled(fits))]);
        refused([
            ("a byte more", filled(fits + 1), "token_too_long"),
            ("a megabyte of dots", ".".repeat(1 << 20), "token_too_long"),
        ]);
    }

    #[test]
    fn issuer_and_audience_are_each_the_one_text() {
        refused([
            ("other issuer", with_claim("iss", json!("https://id.example.org")), "token_wrong_issuer"),
            ("issuer in capitals", with_claim("iss", json!(ISSUER.to_uppercase())), "token_wrong_issuer"),
            (
                "ours and others",
                with_claim("iss", json!([ISSUER, "https://evil.example"])),
                "token_malformed",
            ),
            ("numeric issuer", with_claim("iss", json!(7)), "token_malformed"),
            ("other audience", with_claim("aud", json!("console")), "token_wrong_audience"),
            ("empty audience", with_claim("aud", json!("")), "token_wrong_audience"),
            ("numeric audience", with_claim("aud", json!(7)), "token_malformed"),
            ("a list with ours", with_claim("aud", json!([AUDIENCE])), "token_malformed"),
            ("an empty list", with_claim("aud", json!([])), "token_malformed"),
            ("an object", with_claim("aud", json!({ AUDIENCE: true })), "token_malformed"),
        ]);
    }

    #[test]
    fn every_claim_is_required_once() {
        for claim in CLAIMS {
            let twice = sign(&header().to_string(), &twice(&claims(), claim), CURRENT);
            refused([
                (claim, with_claim(claim, None), "token_missing_claim"),
                (claim, with_claim(claim, json!(null)), "token_missing_claim"),
                (claim, twice, "token_malformed"),
                (claim, with_claim(claim, json!({ "a": 1 })), "token_malformed"),
            ]);
        }
    }

    #[test]
    fn ids_are_uuids() {
        for claim in ["sub", "realm", "tenant", "jti"] {
            refused([
                (claim, with_claim(claim, json!("seller-one")), "token_malformed"),
                (claim, with_claim(claim, json!("")), "token_malformed"),
                (claim, with_claim(claim, json!(1)), "token_malformed"),
                (claim, with_claim(claim, json!(format!("{TENANT}' OR ''='"))), "token_malformed"),
            ]);
        }
    }

    #[test]
    fn time() {
        let second = now().as_seconds();
        refused([
            ("expires now", with_claim("exp", json!(second)), "token_expired"),
            ("expired long ago", with_claim("exp", json!(1)), "token_expired"),
            ("a string", with_claim("exp", json!((second + 900).to_string())), "token_malformed"),
            ("a float", with_claim("exp", json!(1e12)), "token_malformed"),
            ("past the calendar", with_claim("exp", json!(i64::MAX)), "token_malformed"),
            ("past all integers", with_claim("exp", json!(u64::MAX)), "token_malformed"),
            ("issued 61 s from now", with_claim("iat", json!(second + 61)), "token_not_yet_valid"),
            ("valid in a second", with_claim("nbf", json!(second + 1)), "token_not_yet_valid"),
            ("valid from a string on", with_claim("nbf", json!("0")), "token_malformed"),
        ]);
        assert!(tokens().verify(&with_claim("exp", json!(-1)), now()).is_err());
        let (tokens, expiry) = (tokens(), now().after(Duration::from_secs(900)));
        assert!(tokens.verify(&valid(), expiry.before(Duration::from_micros(1))).is_ok());
        assert_eq!(tokens.verify(&valid(), expiry).unwrap_err().code(), "token_expired");
    }

    #[test]
    fn lifetimes_are_the_callers_to_choose() {
        let (tenant, realm, user) = ids();
        let subject = TokenSubject { tenant, realm, user };
        let brief = tokens().with_lifetime(Duration::from_millis(5_999));
        assert_eq!(brief.lifetime(), Duration::from_secs(5));
        let token = brief.issue(&subject, now()).unwrap();
        assert_eq!(brief.verify(&token, now()).unwrap().expires_at, now().after(Duration::from_secs(5)));
        let endless = tokens().with_lifetime(Duration::MAX);
        assert_eq!(endless.issue(&subject, now()).unwrap_err().code(), "token_out_of_range");
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(tokens().issue(&subject, last).unwrap_err().code(), "token_out_of_range");
    }

    #[test]
    fn nothing_secret_shows() {
        let shown = format!("{:?} {:?}", tokens(), key(CURRENT));
        assert!(!shown.contains("the current key") && !shown.contains("116, 104, 101"), "{shown}");
    }
}
