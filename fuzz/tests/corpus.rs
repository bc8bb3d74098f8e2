//! Every seed through its target, once: what was found stays mended.

#[cfg(test)]
mod corpus {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// The longest that a target may take over one seed, without optimisation and on a busy machine.
    const LONGEST: Duration = Duration::from_secs(20);

    fn run(target: &str, least: usize, check: fn(&str)) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for name in &names {
            let text = fs::read(name).unwrap();
            println!("{}", name.file_name().unwrap().to_string_lossy());
            let began = Instant::now();
            if let Ok(text) = str::from_utf8(&text) {
                check(text);
            }
            assert!(began.elapsed() < LONGEST, "{} took {:?}", name.display(), began.elapsed());
        }
        assert!(names.len() >= least, "only {} seeds for {target}", names.len());
    }

    #[test]
    fn scopes() {
        run("scope", 20, tenantry_fuzz::scope);
    }

    #[test]
    fn conditions() {
        run("condition", 40, tenantry_fuzz::condition);
    }

    #[test]
    fn imports() {
        run("import", 20, tenantry_fuzz::import);
    }
}
