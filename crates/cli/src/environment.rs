//! Where the program runs: its build, the system, the processor, the memory, the clock.
//!
//! What the system does not tell (everything is read from Linux's `/proc`) is left out or `unknown`.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::thread::available_parallelism;

use serde_json::{Value, json};
use stoop::latency::Clock;

/// Readings of the clock timed at once, and how often; the fastest counts, since nothing makes a reading cheaper.
const READINGS: u32 = 1_000;
const TRIES: u32 = 50;
/// More than what looks at a bench from the next window.
const BUSY_LOAD: f64 = 0.7;

/// What a measurement depends on besides the program.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) profile: String,
    pub(crate) system: String,
    pub(crate) kernel: String,
    /// Jobs that wanted a processor, on average over the last minute.
    pub(crate) load: String,
    pub(crate) cpu: String,
    /// As many threads as this process may run at once.
    pub(crate) cores: usize,
    pub(crate) memory_bytes: Option<u64>,
    /// One reading of the clock, ns.
    pub(crate) clock_ns: f64,
}

impl Environment {
    pub(crate) fn look() -> Self {
        let load = text("/proc/loadavg").split(' ').next().map(str::to_owned);
        Self {
            profile: format!("{}, opt-level {}", env!("STOOP_PROFILE"), env!("STOOP_OPT_LEVEL")),
            system: system(),
            kernel: known(text("/proc/sys/kernel/osrelease")),
            load: known(load.unwrap_or_default()),
            cpu: cpu(),
            cores: cores(),
            memory_bytes: memory("MemTotal"),
            clock_ns: clock_cost_ns(&Clock::anchored()),
        }
    }

    /// Others wanted the processors too in the last minute.
    pub(crate) fn is_busy(&self) -> bool {
        self.load.parse::<f64>().is_ok_and(|load| load > BUSY_LOAD)
    }

    /// Lines for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let memory = self
            .memory_bytes
            .map_or_else(|| "memory unknown".to_owned(), |bytes| format!("{} of memory", binary(bytes)));
        let (arch, rustc) = (std::env::consts::ARCH, env!("STOOP_RUSTC"));
        let mut lines = vec![
            format!("stoop     {}, profile {}, {rustc}", env!("CARGO_PKG_VERSION"), self.profile),
            format!("system    {}, kernel {}, {arch}, load {}", self.system, self.kernel, self.load),
            format!("machine   {}, {} cores, {memory}", self.cpu, self.cores),
            format!("clock     one reading takes {:.0} ns", self.clock_ns),
        ];
        lines.extend(is_debug().then(|| {
            "note      a debug build, many times slower than a release: these numbers mean nothing".to_owned()
        }));
        lines
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "profile": env!("STOOP_PROFILE"),
            "opt_level": env!("STOOP_OPT_LEVEL"),
            "debug": is_debug(),
            "rustc": env!("STOOP_RUSTC"),
            "system": self.system,
            "kernel": self.kernel,
            "arch": std::env::consts::ARCH,
            "load": self.load.parse::<f64>().ok(),
            "cpu": self.cpu,
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "clock_ns": self.clock_ns,
        })
    }
}

fn is_debug() -> bool {
    cfg!(debug_assertions)
}

/// As many threads as this process may run at once.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Room that a folder's disk has for this user, bytes.
pub(crate) fn disk_available(folder: &Path) -> std::io::Result<u64> {
    let room = rustix::fs::statvfs(folder)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

/// Memory that this process can still have, bytes: what the machine has left, or its group if that is less.
pub(crate) fn memory_available() -> Option<u64> {
    let number = |path: &str| text(path).parse::<u64>().ok();
    let group = Path::new("/sys/fs/cgroup");
    let in_group = |name: &str| number(group.join(name).to_str().unwrap_or_default());
    // A group without a limit says `max`, which is no number.
    let left =
        in_group("memory.max").map(|most| most.saturating_sub(in_group("memory.current").unwrap_or(0)));
    match (memory("MemAvailable"), left) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}

/// How many files this process may have open at once; none where it is not told or has no limit.
pub(crate) fn open_files() -> Option<u64> {
    let limits = text("/proc/self/limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What one reading of the clock costs, ns.
pub(crate) fn clock_cost_ns(clock: &Clock) -> f64 {
    let tries = (0..TRIES).map(|_| {
        let begin_ns = clock.now_ns();
        for _ in 0..READINGS {
            black_box(clock.now_ns());
        }
        (clock.now_ns() - begin_ns) as f64 / f64::from(READINGS)
    });
    tries.fold(f64::INFINITY, f64::min)
}

/// Bytes in a unit that suits them.
pub(crate) fn binary(bytes: u64) -> String {
    const MIB: f64 = 1_048_576.0;
    let mib = bytes as f64 / MIB;
    if mib < 1024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

fn system() -> String {
    let release = text("/etc/os-release");
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

fn cpu() -> String {
    let all = text("/proc/cpuinfo");
    let model = all.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    known(model.map(|(_, name)| name.trim().to_owned()).unwrap_or_default())
}

/// A line of `/proc/meminfo`, bytes.
fn memory(name: &str) -> Option<u64> {
    let all = text("/proc/meminfo");
    let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn known(text: String) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text }
}

/// Text of a small file; empty where there is none.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
