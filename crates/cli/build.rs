//! Tells the program which compiler and which settings it was built with.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = Command::new(variable("RUSTC")).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=STOOP_RUSTC={}", version.trim());
    println!("cargo::rustc-env=STOOP_OPT_LEVEL={}", variable("OPT_LEVEL"));
    // `<target>/<profile's folder>/build/<package>/out`: the only place where cargo names the profile.
    let out = variable("OUT_DIR");
    let folder = out.split('/').rev().nth(3).unwrap_or_default();
    println!("cargo::rustc-env=STOOP_PROFILE={folder}");
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script everything by its environment")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
