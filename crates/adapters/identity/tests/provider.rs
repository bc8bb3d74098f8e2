//! A process whose application installed another crypto provider, one that doesn't know HS256.

#[cfg(test)]
mod provider {
    use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
    use jsonwebtoken::errors::ErrorKind;
    use tenantry_core::{RealmId, TenantId, Timestamp, UserId};
    use tenantry_identity::{AccessTokens, IssueError, SigningKey, TokenError, TokenSubject};

    static WITHOUT_HS256: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        verifier_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        key_utils: KeyUtils::new_unimplemented(),
    };

    #[test]
    fn what_cannot_be_checked_is_our_fault_and_not_the_bearers() {
        WITHOUT_HS256.install_default().unwrap();
        let key = SigningKey::from_bytes(b"the current key, of some 32 bytes or more").unwrap();
        let tokens = AccessTokens::new("https://id.example.com", "marketplace", key.clone(), &[]);
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let subject = TokenSubject {
            tenant: TenantId::generate(),
            realm: RealmId::generate(),
            user: UserId::generate(),
        };
        assert!(matches!(tokens.issue(&subject, now), Err(IssueError::Signing(_))));

        let token = format!("{}.e30.AAAA", header(key.id()));
        assert_eq!(tokens.verify(&token, now), Err(TokenError::Unverifiable));
    }

    fn header(key: &str) -> String {
        use base64::Engine as _;
        let header = format!(r#"{{"alg":"HS256","kid":"{key}"}}"#);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header)
    }
}
