//! What the machine offers: clocks and limits.

use std::path::Path;

use stoop::latency::Clock;
use stoop::{Config, Placement};

use super::{Check, Report};
use crate::environment::{binary, clock_cost_ns, cores, disk_available, memory_available, open_files, text};
use crate::failure::Failure;

/// The year this was written in: no right clock shows an earlier one.
const WRITTEN_YEAR: i64 = 2026;
/// From here on the engine takes no time for real.
const END_YEAR: i64 = 2101;
/// A clock that the kernel maps into the process takes 20 to 50 ns; one that needs a call many times that.
const SLOW_CLOCK_NS: f64 = 200.0;
/// Readings within which a clock must have moved on.
const READINGS: u32 = 1_000_000;
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Files a run has open at once, with some to spare: the demo and a replay in the placement `per-actor` came through
/// with 24 and not with 16.
const FILES: u64 = 32;
/// Threads that are busy at once in the placement `per-actor`.
const ACTOR_THREADS: usize = 4;
/// What the program takes before the first tweet.
const BASE_BYTES: u64 = 32 << 20;
/// What one of `window_tweets` can come to, the window and as many tweets kept for their decisions together: 1,283 MiB
/// were resident at 65,536 of each once both were full, every post decided on (`cargo bench --bench endurance`).
const BYTES_PER_TWEET: u64 = 20 << 10;

/// Free disk below which a run is not begun with.
const DISK_LEAST: u64 = 64 << 20;
/// Free disk below which it does not last.
const DISK_GOOD: u64 = 2 << 30;

pub(super) fn check(config: Option<&Config>, report: &mut Report) -> Result<(), Failure> {
    clocks(report)?;
    limits(config, report)
}

fn clocks(report: &mut Report) -> Result<(), Failure> {
    let clock = Clock::anchored();
    let now_ns = clock.now_ns();
    let shown = utc(now_ns);
    let advice = "set the clock of this machine: `max_age` and the ages in decisions are measured with it";
    if (WRITTEN_YEAR..END_YEAR).contains(&civil(now_ns.div_euclid(DAY_NS)).0) {
        report.ok(Check::Wall, shown)?;
    } else {
        report.fix(Check::Wall, format!("{shown}, which is impossible"), advice)?;
    }
    if (0..READINGS).any(|_| clock.now_ns() > now_ns) {
        let cost_ns = clock_cost_ns(&clock);
        let source = text(CLOCK_SOURCE);
        let source = if source.is_empty() { String::new() } else { format!(" (clock source {source})") };
        let detail = format!("one reading takes {cost_ns:.0} ns{source}");
        if cost_ns < SLOW_CLOCK_NS {
            report.ok(Check::Monotonic, detail)?;
        } else {
            let advice = "every frame reads it a few times; a kernel that can use the processor's counter \
             (clock source \
                          tsc) reads it in tens of ns";
            report.warn(Check::Monotonic, detail, advice)?;
        }
    } else {
        let detail = format!("it does not move over {READINGS} readings");
        report.fix(
            Check::Monotonic,
            detail,
            "the system's monotonic clock is broken: restart the machine",
        )?;
    }
    if Path::new(SYNCHRONISED).exists() {
        return report.ok(Check::Synchronised, "systemd-timesyncd says that the clock is synchronised");
    }
    // Other services leave no file that says so, and asking the kernel takes a call that std does not have.
    report.warn(
        Check::Synchronised,
        "cannot find out whether the clock is synchronised",
        "check with `timedatectl` or `chronyc tracking`: if the clock is off by more than its `max_age`, a rule \
         opens nothing, or too late",
    )
}

fn limits(config: Option<&Config>, report: &mut Report) -> Result<(), Failure> {
    match open_files() {
        Some(files) if files < FILES => {
            let detail = format!("at most {files} at once");
            report.fix(
                Check::Files,
                detail,
                "allow more: `ulimit -n 1024`, or LimitNOFILE of the service",
            )?;
        }
        Some(files) => report.ok(Check::Files, format!("at most {files} at once"))?,
        None => report.ok(Check::Files, "the limit is unknown")?,
    }
    let cores = cores();
    let placement = config.and_then(|config| config.placement).unwrap_or_default();
    if placement == Placement::PerActor && cores < ACTOR_THREADS {
        let detail = format!("{cores}, and the placement per-actor keeps {ACTOR_THREADS} busy");
        let advice = "use [engine] placement = \"one-arbiter\", which is faster on few cores";
        report.warn(Check::Cores, detail, advice)?;
    } else if cores < 2 {
        let advice = "the engine and the reader of its decisions take turns on it; give them two";
        report.warn(Check::Cores, "1", advice)?;
    } else {
        report.ok(Check::Cores, cores.to_string())?;
    }
    memory(config, report)?;
    disk(config, report)
}

/// Room where the program writes: its store, or else the folder it stands in.
fn disk(config: Option<&Config>, report: &mut Report) -> Result<(), Failure> {
    let store = config.and_then(|config| config.store.as_deref());
    let folder = store.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let shown = if store.is_some() { format!("{} (the store)", folder.display()) } else { "here".to_owned() };
    match disk_available(folder) {
        Ok(free) if free < DISK_LEAST => {
            let detail = format!("{} free {shown}", binary(free));
            report.fix(Check::Disk, detail, "make room: decisions and the store are written there")
        }
        Ok(free) if free < DISK_GOOD => {
            let detail = format!("{} free {shown}", binary(free));
            report.warn(
                Check::Disk,
                detail,
                "decisions of a busy month take gigabytes: see docs/operating.md",
            )
        }
        Ok(free) => report.ok(Check::Disk, format!("{} free {shown}", binary(free))),
        Err(error) => {
            report.fix(Check::Disk, format!("{shown}: {error}"), "create the folder that [store] path names")
        }
    }
}

/// Holds what the window can come to against what there is. A rough figure: texts differ.
fn memory(config: Option<&Config>, report: &mut Report) -> Result<(), Failure> {
    let tweets =
        config.map_or_else(stoop::stages::Window::default, |config| config.bounds.window).tweets as u64;
    let need = tweets.saturating_mul(BYTES_PER_TWEET).saturating_add(BASE_BYTES);
    let need_shown = binary(need);
    match memory_available() {
        Some(free) if free < need => {
            let detail =
                format!("{} available; {tweets} tweets in the window may need {need_shown}", binary(free));
            report.warn(Check::Memory, detail, "free some, or lower [engine] window_tweets")
        }
        Some(free) => {
            let detail =
                format!("{} available; {tweets} tweets in the window may need {need_shown}", binary(free));
            report.ok(Check::Memory, detail)
        }
        None => {
            report.ok(Check::Memory, format!("the available memory is unknown; {need_shown} may be needed"))
        }
    }
}

const SECOND_NS: i64 = 1_000_000_000;
const DAY_NS: i64 = 86_400 * SECOND_NS;

/// Unix ns as people write it.
fn utc(at_ns: i64) -> String {
    let (year, month, day) = civil(at_ns.div_euclid(DAY_NS));
    let seconds = at_ns.rem_euclid(DAY_NS) / SECOND_NS;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// In years that begin in March the leap day is the last, so that days before a month are a linear function of it;
/// 400 such years are 146,097 days.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let is_next = i64::from(month >= 10);
    (era * 400 + year + is_next, if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (second, shown) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_781_095_200, "2026-06-10 12:40:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(second * SECOND_NS), shown);
        }
    }
}
