//! What a sign-in needs: passwords hashed with argon2id, signed access tokens, and a file for the secret that
//! signs them.
//!
//! This crate knows formats, not facts: it neither stores users nor decides what they may do. A server looks
//! a user up, asks [`Passwords`] about the password, and hands out one of [`AccessTokens`]'s tokens. From
//! then on each request's token is checked without a look-up.
//!
//! ```
//! use tenantry_core::{RealmId, TenantId, Timestamp, UserId};
//! use tenantry_identity::{
//!     AccessTokens, Cost, Password, PasswordHash, Passwords, SecretFile, TokenSubject, Verdict,
//! };
//!
//! struct User {
//!     id: UserId,
//!     realm: RealmId,
//!     password: PasswordHash,
//! }
//!
//! struct Server {
//!     passwords: Passwords,
//!     tokens: AccessTokens,
//! }
//!
//! impl Server {
//!     /// The access token of whoever knows the password; `user` is None when nobody has that e-mail address.
//!     async fn sign_in(
//!         &self,
//!         tenant: TenantId,
//!         user: Option<&mut User>,
//!         password: String,
//!         now: Timestamp,
//!     ) -> Result<Option<String>, Box<dyn std::error::Error>> {
//!         let password = Password::attempt(password);
//!         let hash = user.as_ref().map(|user| &user.password);
//!         let verdict = self.passwords.verify(password.clone(), hash).await?;
//!         let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else { return Ok(None) };
//!         if verdict == Verdict::RightButOutdated {
//!             user.password = self.passwords.hash(password).await?;
//!         }
//!         let subject = TokenSubject { tenant, realm: user.realm, user: user.id };
//!         Ok(Some(self.tokens.issue(&subject, now)?))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("server.secret");
//! let (key, _) = SecretFile::open_or_create(path)?;
//! let server = Server {
//!     passwords: Passwords::new(Cost::OWASP)?,
//!     tokens: AccessTokens::new("https://id.example.com", "marketplace", key, &[]),
//! };
//!
//! let password = server.passwords.hash(Password::new("correct horse battery")?).await?;
//! let mut ann = User { id: UserId::generate(), realm: RealmId::generate(), password };
//! let tenant = TenantId::generate();
//! let now: Timestamp = "2026-01-31T12:00:00Z".parse()?;
//!
//! let token = server.sign_in(tenant, Some(&mut ann), "correct horse battery".into(), now).await?;
//! let claims = server.tokens.verify(&token.ok_or("refused")?, now)?;
//! assert_eq!((claims.tenant, claims.user), (tenant, ann.id));
//!
//! assert_eq!(server.sign_in(tenant, Some(&mut ann), "incorrect horse".into(), now).await?, None);
//! assert_eq!(server.sign_in(tenant, None, "correct horse battery".into(), now).await?, None);
//! # Ok(())
//! # }
//! ```

mod hashing;
mod key;
mod password;
mod secret;
mod token;

pub use hashing::{HashingError, Limits, Passwords, Verdict};
pub use key::{SigningKey, WeakKey};
pub use password::{Cost, InvalidCost, InvalidPasswordHash, Password, PasswordError, PasswordHash};
pub use secret::{SecretFile, SecretOrigin};
pub use token::{AccessClaims, AccessTokens, IssueError, TokenError, TokenSubject};
