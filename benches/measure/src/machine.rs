//! What it was measured on.

use std::fs;

use serde::Serialize;

/// The machine, and how busy it was.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// How many processors a program may use.
    pub cpus: usize,
    /// What they are.
    pub model: String,
    /// Gigabytes of memory, rounded.
    pub gigabytes: u64,
    /// `/proc/loadavg` before and after.
    pub load: [String; 2],
}

impl Machine {
    /// This one, before anything is measured.
    #[must_use]
    pub fn now() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cpus, model: model(), gigabytes: gigabytes(), load: [load(), String::new()] }
    }

    /// Everything was measured.
    pub fn ended(&mut self) {
        let [_, after] = &mut self.load;
        *after = load();
    }

    /// Whether other work kept it busy when the run began.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let [before, _] = &self.load;
        let running = before.split('.').next().and_then(|whole| whole.parse::<usize>().ok());
        running.is_some_and(|running| running >= self.cpus)
    }
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn model() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    named.map_or("an unknown processor", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn gigabytes() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.map_or(0, |kibibytes| (kibibytes + (1 << 19)) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_has_as_much_to_do_as_processors() {
        let machine = |load: &str| Machine {
            cpus: 2,
            model: String::new(),
            gigabytes: 0,
            load: [load.to_owned(), String::new()],
        };
        assert!(!machine("1.99 3.00 3.00").is_busy());
        assert!(machine("2.00 0.00 0.00").is_busy());
        assert!(!machine("").is_busy());
    }
}
