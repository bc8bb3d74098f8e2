//! The page about a million tenants, as it is printed and written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tenantry_bench_measure::Spread;

use super::super::Fault;
use super::filled::Room;
use super::{MEMBERS, Million, QUESTIONS, WHOLE};

impl Million {
    /// Everything was measured: it is printed and written.
    pub(super) fn end(self) -> Result<(), Fault> {
        let page = self.page();
        println!("{page}");
        let [numbers, report] = self.paths()?;
        std::fs::write(&numbers, serde_json::to_vec_pretty(&self)?)?;
        std::fs::write(&report, page)?;
        println!("written to {} and {}", numbers.display(), report.display());
        Ok(())
    }

    /// Where the numbers go, and the page: to `docs/`, that of a run among fewer beside the numbers.
    fn paths(&self) -> Result<[PathBuf; 2], Fault> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().unwrap_or(package);
        let numbers = root.join("target/bench");
        std::fs::create_dir_all(&numbers)?;
        let reports = if self.is_whole() { root.join("docs") } else { numbers.clone() };
        Ok([numbers.join("access-million.json"), reports.join("access-million-bench.md")])
    }

    const fn is_whole(&self) -> bool {
        self.many.tenants >= WHOLE && !self.is_quick
    }

    fn page(&self) -> String {
        let Self { few, many, machine, effort, .. } = self;
        let count = if many.tenants == WHOLE { String::new() } else { format!("={}", many.tenants) };
        let quick = if self.is_quick { " --quick" } else { "" };
        let short =
            if self.is_whole() { "" } else { "\n\n**A short run: it shows that it runs. Don't quote it.**" };
        format!(
            "# Among a million tenants\n\nWritten by `cargo xtask bench access --million{count}{quick}`, which measures \
             nothing else. It starts a PostgreSQL server where `DATABASE_URL` names none.{short}\n\ntenantry {}. {}\n\n\
             A database of {} tenants beside one of {}. Each tenant has {MEMBERS} members of whom each is a member of \
             {MEMBERS} tenants, an owner's role and a member's, a team of half of its members, a service account, an API \
             key and {MEMBERS} documents; above each is the platform. Filled in {} s, by `INSERT … SELECT … \
             generate_series` as the databases' owner, and vacuumed. Both are asked in turn, {} times, each time about \
             another member, drawn from all but the owners of all tenants; this process keeps nothing of what it read. What \
             a server keeps in its memory of so many is part of what is measured.\n\n{}\n{}\n{}\n{}",
            env!("CARGO_PKG_VERSION"),
            machine.told(),
            many.tenants,
            few.tenants,
            many.filled_in_seconds,
            effort.turns,
            self.times(),
            self.touched(),
            self.memory(),
            self.room()
        )
    }

    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    fn times(&self) -> String {
        let [few, many] = [&self.few, &self.many];
        let mut text = format!(
            "## What it takes\n\nMicroseconds: medians and quartiles, and the medians' ratio. A cold resolve is the first \
             two: whose the address is, and who a principal is there and what it holds, made into an authority. The third \
             is the store's part of the second.\n\n\
             | | among {} | quartiles | among {} | quartiles | ratio |\n|---|--:|--:|--:|--:|--:|\n",
            few.tenants, many.tenants
        );
        for ((name, few), many) in QUESTIONS.iter().zip(&few.took).zip(&many.took) {
            let micros = |Spread { low, median, high }: &Spread| {
                format!("{:.0} | {:.0} … {:.0}", median / 1e3, low / 1e3, high / 1e3)
            };
            let ratio = many.median / few.median;
            let _ = writeln!(text, "| {name} | {} | {} | **{ratio:.2}** |", micros(few), micros(many));
        }
        text
    }

    fn touched(&self) -> String {
        let mut text = format!(
            "## What the server touches\n\nFor a tenant resolved and a member admitted, as `pg_stat_user_tables` and \
             `pg_statio_user_tables` count it over {} of them, what definer functions read included: rows that an index \
             found, rows of tables that were read from end to end, and pages of tables and of indexes, some of them \
             from outside `shared_buffers`. A small table may be read through rather than looked up, which can take longer: \
             where that is so among the few, a ratio below 1 says it and not that many are quicker.\n\n\
             | tenants | rows by index | rows read through | pages | from outside | rows of a page of one document |\n\
             |--:|--:|---|--:|--:|--:|\n",
            self.effort.counted
        );
        for among in [&self.few, &self.many] {
            let counted = &among.counted;
            let _ = writeln!(
                text,
                "| {} | {:.1} | {} | {:.1} | {:.1} | {} |",
                among.tenants,
                counted.by_index,
                counted.told_of_read_through(),
                counted.pages,
                counted.fetched,
                among.touched
            );
        }
        text
    }

    fn memory(&self) -> String {
        let [tenant, member] = self.held;
        format!(
            "## In memory\n\nIn this process a resolved tenant takes {tenant} bytes and an admitted member {member}, its \
             authority included, while somebody holds them; {} of each were held. Nothing is kept of the others.\n",
            self.effort.holding
        )
    }

    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a measurement, not money")]
    fn room(&self) -> String {
        let mut text =
            "## On disk\n\n| table | MB of rows | MB of indexes | bytes a tenant |\n|---|--:|--:|--:|\n"
                .to_owned();
        let tables = &self.many.room;
        let all = Room {
            table: "all of them",
            rows: tables.iter().map(|room| room.rows).sum(),
            indexes: tables.iter().map(|room| room.indexes).sum(),
        };
        for Room { table, rows, indexes } in tables.iter().chain([&all]) {
            let megabytes = |bytes: &i64| *bytes as f64 / 1e6;
            let each = (rows + indexes) / i64::from(self.many.tenants);
            let _ =
                writeln!(text, "| {table} | {:.1} | {:.1} | {each} |", megabytes(rows), megabytes(indexes));
        }
        text
    }
}
