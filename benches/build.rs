//! Tells the benches which compiler and which settings they were built with.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = variable("RUSTC");
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=STOOP_BENCH_RUSTC={}", version.trim());
    println!("cargo::rustc-env=STOOP_BENCH_OPT_LEVEL={}", variable("OPT_LEVEL"));
    // `<target>/<profile's folder>/build/<package>/out`: the only place where cargo names the profile.
    let out = variable("OUT_DIR");
    let folder = out.split('/').rev().nth(3).unwrap_or_default();
    println!("cargo::rustc-env=STOOP_BENCH_FOLDER={folder}");
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script everything by its environment")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
