//! How the program is started, what it says and leaves behind, and how it ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::{Options, PATIENCE, Server, mac, run, wait_until};

fn said_password(printed: &str) -> Option<String> {
    let line = printed.lines().find(|line| line.contains("admin") && line.contains("password"))?;
    let rest = line.split("password ").nth(1)?;
    Some(rest.split_whitespace().next()?.trim_end_matches([',', '.', ';']).to_owned())
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

#[test]
fn the_first_start_makes_its_files_and_says_so() {
    let server = Server::start(Options::new().with_printed_password());
    let secret = server.file("secret");
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(mode(&server.provider_secret_file()), 0o600);
    let name = secret.file_name().unwrap().to_str().unwrap();
    assert!(server.printed().contains(name), "{}", server.printed());
    assert!(server.printed().contains("600"), "{}", server.printed());
    let key = std::fs::read(&secret).unwrap();
    let password = said_password(&server.printed()).expect("the admin's password");
    let admin = server.login("platform", "admin@localhost", &password);
    server.restart();
    assert_eq!(said_password(&server.printed()), None, "the password again: {}", server.printed());
    assert!(!server.printed().contains(&password));
    assert!(!server.printed().contains(name), "made again: {}", server.printed());
    assert_eq!(std::fs::read(&secret).unwrap(), key);
    admin.get("/api/me").expect(200);
    server.login("platform", "admin@localhost", &password);
    let tenants = admin.all("/api/admin/tenants", 200);
    assert!(tenants.iter().all(|tenant| tenant["slug"] == "platform"), "--no-demo: {tenants:?}");
    assert!(!server.logged().contains(&password), "the password is logged");
}

#[test]
fn a_secret_file_and_an_admin_can_be_named() {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let secret = folder.path().join("own.key");
    let options = Options::new()
        .flag("--secret-file", secret.to_str().unwrap())
        .env("MARKETPLACE_ADMIN_EMAIL", "root@example.com");
    let server = Server::start(options);
    assert_eq!(mode(&secret), 0o600);
    assert!(server.printed().contains(secret.to_str().unwrap()), "{}", server.printed());
    assert!(!server.file("secret").exists());
    assert!(!server.printed().contains(server.admin_password()), "a password that was given is printed");
    server
        .login("platform", "root@example.com", server.admin_password())
        .get("/api/admin/tenants")
        .expect(200);
}

#[test]
fn every_flag_is_an_environment_variable_too() {
    let help = Command::new(env!("CARGO_BIN_EXE_marketplace")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for flag in [
        "listen",
        "database",
        "writer-database",
        "admin-database",
        "sealing-key",
        "env-file",
        "base-domain",
        "review-period",
        "payment-window",
        "fee-bps",
        "seller-rate",
        "buyer-rate",
        "secret-file",
        "admin-email",
        "admin-password-file",
        "provider-url",
        "no-demo",
    ] {
        let variable = format!("MARKETPLACE_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&format!("--{flag}")), "{flag}: {help}");
        assert!(help.contains(&variable), "{variable}: {help}");
    }
    for default in
        ["127.0.0.1:3000", "sqlite://marketplace.db", "localhost", "72h", "30m", "800", "1000", "500"]
    {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
    let options = Options::new()
        .env("MARKETPLACE_FEE_BPS", "1500")
        .env("MARKETPLACE_BASE_DOMAIN", "market.test")
        .env("MARKETPLACE_BUYER_RATE", "7")
        .flag("--fee-bps", "100");
    let server = Server::start(options);
    let platform = server.on("market.test");
    let admin = json!({ "email": "admin@market.test", "password": server.admin_password() });
    let token = platform.post("/api/auth/login", admin).expect(200);
    let me = platform.token(token["access_token"].as_str().unwrap()).get("/api/me").expect(200);
    assert_eq!(me["limits"]["rate"]["requests"], 7);
    server.platform().get("/api/me").refused(404, "tenant_unknown");
    let seller = json!({
        "email": "a@b.example", "password": "long enough for this", "name": "A", "kind": "seller", "tenant": "env-s",
    });
    platform.post("/api/auth/register", seller).expect(201);
    server.on("env-s.market.test").get("/api/me").refused(401, "unauthenticated");
    server.at("env-s").get("/api/me").refused(404, "tenant_unknown");
}

#[test]
fn settings_that_make_no_sense_are_refused_in_words() {
    let busy = Server::start(Options::new());
    for (flag, value) in [
        ("--review-period", "72"),
        ("--review-period", "0s"),
        ("--payment-window", "soon"),
        ("--fee-bps", "10001"),
        ("--fee-bps", "-1"),
        ("--base-domain", "no domain"),
        ("--seller-rate", "many"),
        ("--provider-url", "no address"),
    ] {
        let ran = run(busy.folder(), &[flag, value]);
        assert_eq!(ran.status.code(), Some(2), "{flag} {value} is accepted");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains(flag) || said.contains(value), "{flag} {value}: {said}");
    }
    let address = busy.address().to_string();
    let same = run(busy.folder(), &["--listen", &address, "--database", "sqlite://other.db"]);
    assert_eq!(same.status.code(), Some(1));
    let said = String::from_utf8_lossy(&same.stderr).into_owned();
    assert!(said.contains(&address), "{said}");
}

#[test]
fn flags_that_do_not_go_with_the_database_are_refused_in_words() {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (file, server) = ("sqlite://other.db", "postgres://nobody:secret@127.0.0.1:1/nothing");
    let key = "ab".repeat(32);
    for (arguments, flag) in [
        (vec!["--database", file, "--writer-database", server], "--writer-database"),
        (vec!["--database", file, "--admin-database", server], "--admin-database"),
        (vec!["--database", file, "--sealing-key", &key], "--sealing-key"),
        (vec!["--database", server], "--writer-database"),
        (vec!["migrate", "--database", file, "--app-role", "app"], "--app-role"),
        (vec!["migrate", "--database", file, "--write-env", "x.env"], "--write-env"),
        (vec!["migrate", "--database", file, "--sealed"], "--sealed"),
        (vec!["migrate", "--database", server, "--sealed"], "--write-env"),
        (vec!["audit", "--database", file], "--database"),
        (vec!["--database", "mysql://localhost/x"], "postgres://"),
        (vec!["--no-demo", "migrate"], "migrate"),
    ] {
        let arguments = match arguments[0] {
            "migrate" | "audit" | "--no-demo" => arguments,
            _ => [&["--listen", "127.0.0.1:0"], &arguments[..]].concat(),
        };
        let ran = run(folder.path(), &arguments);
        assert!(matches!(ran.status.code(), Some(1 | 2)), "{arguments:?} is accepted");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains(flag) && !said.contains("secret"), "{arguments:?}: {said}");
    }
    let migrated = run(folder.path(), &["migrate", "--database", "sqlite://new.db"]);
    assert!(migrated.status.success() && folder.path().join("new.db").exists());
}

#[test]
fn the_demo_can_be_used_as_it_is_printed() {
    let server = Server::start(Options::new().with_demo());
    let printed = server.printed();
    for word in ["curl", "/api/auth/login", "/api/orders", "Idempotency-Key", "checkout_url", "accept"] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    let tenants = server.admin().all("/api/admin/tenants", 200);
    let kinds = |kind: &str| tenants.iter().filter(|tenant| tenant["kind"] == kind).count();
    assert_eq!((kinds("seller"), kinds("buyer"), kinds("investor")), (2, 2, 1), "{tenants:?}");
    if Command::new("jq").arg("--version").output().is_ok()
        && Command::new("curl").arg("--version").output().is_ok()
    {
        let commands: String = printed
            .lines()
            .skip_while(|line| !line.starts_with("A purchase"))
            .skip(1)
            .take_while(|line| !line.starts_with("marketplace:"))
            .map(|line| format!("{line}\n"))
            .collect();
        let script = format!("set -eo pipefail\n{commands}");
        let ran = Command::new("bash").arg("-c").arg(&script).output().unwrap();
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{out}{}", String::from_utf8_lossy(&ran.stderr));
        assert!(out.contains("in_review") && out.contains("\"released\""), "{out}");
    }
    server.restart();
    assert_eq!(server.admin().all("/api/admin/tenants", 200), tenants, "starting again changes nothing");
}

#[test]
fn starting_again_keeps_everything() {
    let server = Server::start(Options::new());
    let (seller, buyer) = (server.register("seller", "keep-s"), server.register("buyer", "keep-b"));
    seller.sell("keep-shop", 1_000);
    let paid = buyer.buy_and_pay("keep-shop");
    let open = buyer.buy("keep-shop");
    let before =
        (buyer.all("/api/orders", 50), seller.get("/api/balance").expect(200), seller.listings_used());
    server.restart();
    let after =
        (buyer.all("/api/orders", 50), seller.get("/api/balance").expect(200), seller.listings_used());
    assert_eq!(before, after, "with the tokens of the run before");
    let again = buyer.place("keep-shop", &open.key);
    assert_eq!((again.status, &again.body), (201, &open.reply.body));
    open.pay("paid");
    buyer.until_state(&open.order, "in_review");
    buyer.take(&paid.order, "accept").expect(200);
    assert_eq!(seller.money(), (920, 920));
}

/// The same token with another time at which it ends, signed as the server signs.
fn ending_at(server: &Server, token: &str, ends_at: i64) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let text = std::fs::read_to_string(server.file("secret")).unwrap();
    let key = hex::decode(text.trim()).unwrap();
    let sign = |head: &str, claims: &str| {
        let signed = mac(&key, &[head.as_bytes(), b".", claims.as_bytes()]);
        format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(signed))
    };
    assert_eq!(sign(parts[0], parts[1]), token, "signed in another way");
    let mut claims: serde_json::Value = claims_of(token);
    claims["exp"] = json!(ends_at);
    sign(parts[0], &URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn claims_of(token: &str) -> serde_json::Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[test]
fn tokens_live_15_minutes() {
    let server = Server::start(Options::new());
    let admin = server.admin();
    let token = admin.bearer().unwrap();
    let claims = claims_of(token);
    let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(expires - issued, 900);
    let now = jiff::Timestamp::now().as_second();
    assert!((now - issued).abs() < 60);
    admin.token(&ending_at(&server, token, now + 60)).get("/api/me").expect(200);
    for past in [now - 1, now - 900] {
        admin.token(&ending_at(&server, token, past)).get("/api/me").refused(401, "unauthenticated");
    }
    let short = admin.token(&ending_at(&server, token, now + 2));
    short.get("/api/me").expect(200);
    wait_until("a token that was good to end", PATIENCE, || {
        (short.get("/api/me").status == 401).then_some(())
    });
}

#[test]
fn another_provider_can_be_named() {
    let other = Server::start(Options::new());
    let (seller, buyer) = (other.register("seller", "url-s"), other.register("buyer", "url-b"));
    seller.sell("url-shop", 1_000);
    let origin = other.provider(&buyer.buy("url-shop").checkout_url).origin().clone();
    let options = Options::new()
        .flag("--provider-url", origin.as_str())
        .flag("--provider-secret-file", other.provider_secret_file().to_str().unwrap());
    let server = Server::start(options);
    let (seller, buyer) = (server.register("seller", "url-s"), server.register("buyer", "url-b"));
    seller.sell("url-shop", 1_000);
    assert!(buyer.buy("url-shop").checkout_url.starts_with(origin.as_str()));
    assert!(!server.file("provider.db").exists(), "it started one of its own");
}

#[test]
fn a_request_in_flight_finishes_when_it_is_told_to_end() {
    let server = Server::start(Options::new());
    let body = json!({
        "email": "last@example.com", "password": "long enough for this", "name": "Last", "kind": "buyer",
        "tenant": "last-one",
    })
    .to_string();
    let mut request = TcpStream::connect(server.address()).unwrap();
    request.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    request.write_all(head.as_bytes()).unwrap();
    let mut goes_on = [0; 25];
    request.read_exact(&mut goes_on).unwrap();
    assert_eq!(String::from_utf8_lossy(&goes_on), "HTTP/1.1 100 Continue\r\n\r\n");
    server.terminate();
    let nobody_listens = || TcpStream::connect(server.address()).is_err().then_some(());
    wait_until("new connections to be refused", PATIENCE, nobody_listens);
    request.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let status = server.wait_ended();
    assert!(status.success(), "{status}");
    server.restart();
    server.login("last-one", "last@example.com", "long enough for this");
}

#[test]
fn the_provider_ends_with_it_and_keeps_its_address() {
    let server = Server::start(Options::new());
    let (seller, buyer) = (server.register("seller", "prov-s"), server.register("buyer", "prov-b"));
    seller.sell("prov-shop", 1_000);
    let placed = buyer.buy("prov-shop");
    let provider = server.provider(&placed.checkout_url);
    let health = provider.origin().join("healthz").unwrap();
    let lives = || {
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        client.get(health.clone()).send().is_ok()
    };
    assert!(lives());
    server.kill();
    wait_until("the provider to end", PATIENCE, || (!lives()).then_some(()));
    server.restart();
    assert!(lives());
    assert_eq!(provider.checkout(&placed.order)["status"], "open");
    placed.pay("paid");
    buyer.until_state(&placed.order, "in_review");
    server.terminate();
    assert!(server.wait_ended().success());
    wait_until("the provider to end", PATIENCE, || (!lives()).then_some(()));
}
