//! Gaps of the feed, and what history brings of them.

use stoop_engine::{Bounds, Command, Gap};

use super::{Run, ZERO_MS, nanos, rules_of};

fn run(rules: &str) -> Run {
    Run::new(&rules_of(rules), Bounds::default())
}

impl Run {
    /// The feed was away between these times and is there again.
    fn gap(&mut self, from: f64, to: f64) {
        let [from_ns, to_ns] = [from, to].map(|at| ZERO_MS * 1_000_000 + nanos(at));
        let gap = Gap { from_ns, to_ns, cause: "closed with 1012".to_owned() };
        self.pipeline.command(&Command::Gap(gap), to_ns, &mut self.decisions);
    }
}

#[test]
fn a_gap_is_time_and_nothing_else() {
    let mut run = run("any = [\"a\"]\nsettle = \"3s\"");
    run.put((0.0, "content \"text\":\"a\""));
    run.gap(100.0, 2_999.0);
    assert_eq!(run.lines(), ["0 open - content"]);
    run.gap(3_000.0, 4_000.0);
    assert_eq!(run.lines(), ["3000 lapse - timeout"]);
    assert_eq!(run.pipeline.signal.counters().gaps, 2);
}
