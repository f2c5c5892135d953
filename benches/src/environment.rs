//! Where and with what a bench runs.

use std::fs;
use std::thread::available_parallelism;

use crate::report::line;

/// Prints processor, cores, kernel, load, compiler and profile.
pub fn print() {
    let cores = available_parallelism().map_or(0, usize::from);
    line(format_args!("cpu      {}, {cores} cores", cpu()));
    line(format_args!("kernel   {}, load {}", system("sys/kernel/osrelease"), system("loadavg")));
    line(format_args!("rustc    {}", env!("STOOP_BENCH_RUSTC")));
    line(format_args!("profile  {}", profile()));
}

/// Memory of this process in use, bytes; none where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let status = system("self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Cargo builds the profile `bench` into the folder of `release` and does not tell them apart in any other way.
fn profile() -> String {
    let checked = if cfg!(debug_assertions) { "with" } else { "without" };
    let wide = if cfg!(target_feature = "avx2") { "yes" } else { "no" };
    format!(
        "folder {}, opt-level {}, {checked} debug assertions, compiled for AVX2: {wide}",
        env!("STOOP_BENCH_FOLDER"),
        env!("STOOP_BENCH_OPT_LEVEL")
    )
}

fn cpu() -> String {
    let all = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = all.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// A line of `/proc`; empty where there is none.
fn system(path: &str) -> String {
    fs::read_to_string(format!("/proc/{path}")).unwrap_or_default().trim().to_owned()
}
