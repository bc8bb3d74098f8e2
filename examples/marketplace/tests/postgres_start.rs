//! The marketplace is set up on PostgreSQL as its operator does it, serves, and refuses what isn't safe.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::process::Output;

    use tempfile::TempDir;

    use crate::support::{Database, OnServer, Options, Server, listing, run};

    fn folder() -> TempDir {
        TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
    }

    fn marketplace(arguments: &[&str]) -> Output {
        run(Path::new(env!("CARGO_TARGET_TMPDIR")), arguments)
    }

    fn done(output: &Output) -> String {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refused(output: &Output) -> String {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    fn on_server(server: &Server) -> &OnServer {
        match server.database() {
            Database::OnServer(database) => database,
            Database::File(_) => panic!("these tests are about PostgreSQL"),
        }
    }

    fn migrated(folder: &Path, flags: &[&str]) -> OnServer {
        let database = OnServer::create(folder);
        let file = database.env_file().to_str().unwrap();
        done(&marketplace(
            &[&["migrate", "--database", database.owner(), "--write-env", file], flags].concat(),
        ));
        database
    }

    fn buys_and_accepts(server: &Server, of: &str) {
        let seller = server.register("seller", &format!("{of}-s"));
        let buyer = server.register("buyer", &format!("{of}-b"));
        seller.sell(&format!("{of}-shop"), 1_000);
        let placed = buyer.buy_and_pay(&format!("{of}-shop"));
        buyer.take(&placed.order, "accept").expect(200);
        assert_eq!(seller.money(), (920, 0));
    }

    #[test]
    fn two_commands_are_enough_and_can_be_given_again() {
        let folder = folder();
        let database = OnServer::create(folder.path());
        let (owner, file) = (database.owner().to_owned(), database.env_file().to_owned());
        let path = file.to_str().unwrap();
        let roles = ["app", "writer", "admin"].map(|role| format!("{}_{role}", database.name()));
        let [app, writer, admin] = roles.each_ref().map(String::as_str);
        let named = [
            "migrate",
            "--database",
            &owner,
            "--app-role",
            app,
            "--writer-role",
            writer,
            "--admin-role",
            admin,
        ];
        let said = done(&marketplace(&[&named[..], &["--write-env", path]].concat()));
        assert!(said.contains(path) && said.contains("600") && said.contains(app), "{said}");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let written = std::fs::read_to_string(&file).unwrap();
        let server = Server::start_on(Database::OnServer(database), folder, Options::new()).unwrap();
        buys_and_accepts(&server, "twice");

        done(&marketplace(&named));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "only --write-env makes new passwords");
        server.restart();
        buys_and_accepts(&server, "again");

        done(&marketplace(&[&named[..], &["--write-env", path]].concat()));
        assert_ne!(std::fs::read_to_string(&file).unwrap(), written);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        server.restart();
        buys_and_accepts(&server, "anew");
        let old = server.folder().join("old.env");
        std::fs::write(&old, written).unwrap();
        let said = refused(&marketplace(&["--env-file", old.to_str().unwrap(), "--listen", "127.0.0.1:0"]));
        assert!(said.contains("password"), "{said}");
        let left: Vec<PathBuf> =
            std::fs::read_dir(server.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!left.iter().any(|path| path.to_string_lossy().ends_with(".new")), "{left:?}");

        let others = ["migrate", "--database", &owner, "--app-role", "somebody_else"];
        let said = refused(&marketplace(&others));
        assert!(said.contains(app) && said.contains("set up for"), "{said}");
    }

    #[test]
    fn the_environment_wins_over_the_file_and_a_flag_over_both() {
        let folder = folder();
        let database = migrated(folder.path(), &[]);
        let file = database.env_file().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let more = "\n# more\nMARKETPLACE_BUYER_RATE=7\nMARKETPLACE_SELLER_RATE=8\nMARKETPLACE_FEE_BPS=100\n";
        std::fs::write(&file, text + more).unwrap();
        let options = Options::new().env("MARKETPLACE_SELLER_RATE", "9").env("MARKETPLACE_FEE_BPS", "200");
        let options = options.flag("--fee-bps", "1000");
        let server = Server::start_on(Database::OnServer(database), folder, options).unwrap();
        let (seller, buyer) = (server.register("seller", "wins-s"), server.register("buyer", "wins-b"));
        let rate = |me: serde_json::Value| me["limits"]["rate"]["requests"].clone();
        assert_eq!(rate(buyer.get("/api/me").expect(200)), 7);
        assert_eq!(rate(seller.get("/api/me").expect(200)), 9);
        seller.sell("wins-shop", 1_000);
        let placed = buyer.buy("wins-shop");
        assert_eq!(placed.reply.json()["order"]["fee"]["amount"], 100);

        let wrong = server.folder().join("wrong.env");
        std::fs::write(&wrong, "MARKETPLACE_LISTEN=127.0.0.1:0\nno setting\n").unwrap();
        let said = refused(&marketplace(&["--env-file", wrong.to_str().unwrap()]));
        assert!(said.contains("line 2") && said.contains("wrong.env"), "{said}");
        let said = refused(&marketplace(&["--env-file=/nowhere/market.env"]));
        assert!(said.contains("/nowhere/market.env") && said.contains("migrate"), "{said}");
    }

    #[test]
    fn sealed_mode_serves_with_its_key_only() {
        let folder = folder();
        let database = migrated(folder.path(), &["--sealed"]);
        let key = database.setting("MARKETPLACE_SEALING_KEY").expect("the key in the file");
        assert_eq!(key.len(), 64);
        let file = database.env_file().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let owner = database.owner().to_owned();
        let server = Server::start_on(Database::OnServer(database), folder, Options::new()).unwrap();
        buys_and_accepts(&server, "sealed");

        std::fs::write(&file, text.replace(&key, &"0".repeat(64))).unwrap();
        let path = file.to_str().unwrap();
        let serve = ["--env-file", path, "--listen", "127.0.0.1:0"];
        let said = refused(&marketplace(&serve));
        assert!(said.contains("key") && said.contains("migration"), "{said}");
        let keyless: String =
            text.lines().filter(|line| !line.contains(&key)).map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, keyless).unwrap();
        let said = refused(&marketplace(&serve));
        assert!(said.contains("sealed mode"), "{said}");

        done(&marketplace(&["migrate", "--database", &owner, "--write-env", path]));
        assert_eq!(on_server(&server).setting("MARKETPLACE_SEALING_KEY"), Some(key), "it stays sealed");
        server.restart();
        buys_and_accepts(&server, "still");
        let said = refused(&marketplace(&["migrate", "--database", &owner, "--sealed"]));
        assert!(said.contains("--write-env"), "{said}");
    }

    #[test]
    fn it_refuses_to_serve_where_a_login_could_step_around_the_wall() {
        let folder = folder();
        let database = migrated(folder.path(), &[]);
        let address = |of: &str| database.setting(of).unwrap();
        let [app, writer, admin] =
            ["MARKETPLACE_DATABASE", "MARKETPLACE_WRITER_DATABASE", "MARKETPLACE_ADMIN_DATABASE"]
                .map(address);
        let (app, writer, admin) = (app.as_str(), writer.as_str(), admin.as_str());
        let serve = |app: &str, writer: &str, admin: &str| {
            let databases = ["--database", app, "--writer-database", writer, "--admin-database", admin];
            let secret = folder.path().join("x.secret");
            let rest = ["--listen", "127.0.0.1:0", "--secret-file", secret.to_str().unwrap()];
            refused(&marketplace(&[&databases[..], &rest].concat()))
        };
        let owner = database.owner();
        for (addresses, login) in [
            ([owner, writer, admin], "app"),
            ([app, owner, admin], "writer"),
            ([app, writer, owner], "admin"),
        ] {
            let [app, writer, admin] = addresses;
            let said = serve(app, writer, admin);
            assert!(said.contains(&format!("the {login} login")), "{said}");
            assert!(said.contains("owns") || said.contains("superuser") || said.contains("member"), "{said}");
        }
        let said = serve(app, app, admin);
        assert!(said.contains(&format!("{}_writer", database.name())), "{said}");
        let role = |what: &str| format!("{}_{what}", database.name());
        let (app_role, writer_role, admin_role) = (role("app"), role("writer"), role("admin"));
        for (member, of) in [(&app_role, &admin_role), (&writer_role, &app_role), (&admin_role, &writer_role)]
        {
            database.run(&format!("GRANT {of} TO {member}"));
            let said = serve(app, writer, admin);
            let mend = format!("REVOKE {of} FROM {member}");
            assert!(said.contains("member") && said.contains(&mend), "{said}");
            database.run(&mend);
        }
        let said = refused(&marketplace(&["--database", app, "--listen", "127.0.0.1:0"]));
        assert!(said.contains("--writer-database"), "{said}");
        let bare = OnServer::create(folder.path());
        let said = serve(bare.owner(), writer, admin);
        assert!(said.contains("set up") && said.contains("migrate"), "{said}");
        database.run(
            "DELETE FROM tenantry_directory.tenantry_migrations WHERE namespace = 'marketplace.figures'",
        );
        let said = serve(app, writer, admin);
        assert!(said.contains("marketplace.figures") && said.contains("marketplace migrate"), "{said}");
    }

    #[test]
    fn without_the_admins_address_what_needs_the_bypass_is_answered_503() {
        let folder = folder();
        let database = migrated(folder.path(), &[]);
        let file = database.env_file().to_owned();
        let whole = std::fs::read_to_string(&file).unwrap();
        let without: String =
            whole.lines().filter(|line| !line.contains("_ADMIN_")).map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, without).unwrap();
        let server = Server::start_on(Database::OnServer(database), folder, Options::new()).unwrap();
        assert!(server.printed().contains("--admin-database"), "{}", server.printed());
        let (seller, buyer) = (server.register("seller", "half-s"), server.register("buyer", "half-b"));
        seller.sell("half-shop", 1_000);
        let placed = buyer.buy("half-shop");
        placed.pay("paid");
        server.provider(&placed.checkout_url).until_delivered();
        let admin = server.admin();
        for step in ["suspend", "reactivate"] {
            admin.act(&format!("/api/admin/tenants/half-s/{step}")).refused(503, "unavailable");
        }
        admin.get("/api/admin/tenants").expect(200);
        server.platform().get("/readyz").expect(200);
        assert_eq!(
            buyer.order(&placed.order)["state"],
            "awaiting_payment",
            "nobody does what the report asks for"
        );
        assert!(server.logged().lines().count() < 10, "it says so once: {}", server.logged());

        std::fs::write(&file, whole).unwrap();
        server.restart();
        assert!(!server.printed().contains("--admin-database"), "{}", server.printed());
        buyer.until_state(&placed.order, "in_review");
        admin.act("/api/admin/tenants/half-s/suspend").expect(200);
    }

    #[test]
    fn the_bypass_is_in_the_trail_and_rows_keep_their_history() {
        let server = Server::start(Options::new());
        let (seller, buyer, admin) =
            (server.register("seller", "trail-s"), server.register("buyer", "trail-b"), server.admin());
        seller.sell("trail-shop", 1_000);
        let mut next = listing("trail-shop", 2_000);
        next["version"] = serde_json::json!("2.0.0");
        let put = seller.request("PUT", "/api/listings/trail-shop").header("If-Match", "1.0.0");
        put.json(next).send().expect(200);
        let history = on_server(&server).texts_of(
            "MARKETPLACE_ADMIN_DATABASE",
            "SELECT concat_ws(' ', operation, before ->> 'amount', after ->> 'amount')
             FROM tenantry.tenantry_history WHERE relation = 'public.listings' ORDER BY place",
        );
        assert_eq!(history, ["INSERT 1000", "UPDATE 1000 2000"]);
        admin.act("/api/admin/tenants/trail-s/suspend").expect(200);
        crate::support::wait_until("the listing to be hidden", crate::support::PATIENCE, || {
            (buyer.get("/api/listings/trail-shop").status == 404).then_some(())
        });
        let actions = crate::support::wait_until("the trail", crate::support::PATIENCE, || {
            let entries = admin.all("/api/admin/audit", 200);
            let bypass = |entry: &&serde_json::Value| entry["target"] == "bypass:marketplace.hide_listings";
            let found: Vec<_> = entries.iter().filter(bypass).cloned().collect();
            (found.len() >= 2).then_some(found)
        });
        for entry in &actions {
            assert_eq!(entry["actor"], "system:seller_holds");
            assert!(entry["detail"]["reason"].as_str().unwrap().contains("tenant"), "{entry}");
        }
        assert!(actions.iter().any(|entry| entry["action"] == "bypass.committed"), "{actions:?}");
    }

    #[test]
    fn the_audit_passes_until_somebody_opens_the_wall() {
        let folder = folder();
        let database = migrated(folder.path(), &[]);
        let file = database.env_file().to_str().unwrap().to_owned();
        let audit = ["audit", "--env-file", &file];
        let said = done(&marketplace(&audit));
        assert!(said.contains("0 to mend before serving"), "{said}");
        database.run("ALTER TABLE listings NO FORCE ROW LEVEL SECURITY");
        let found = marketplace(&audit);
        let (report, said) = (String::from_utf8_lossy(&found.stdout).into_owned(), refused(&found));
        assert!(report.contains("listings") && report.contains("FORCE ROW LEVEL SECURITY"), "{report}");
        assert!(said.contains("mended"), "{said}");
        database.run("ALTER TABLE listings FORCE ROW LEVEL SECURITY");
        done(&marketplace(&["audit", "--database", database.owner()]));
    }
}
