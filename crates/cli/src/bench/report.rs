//! What `stoop bench` shows.

use serde_json::{Map, Value, json};
use stoop::Placement;
use stoop::latency::Stage;
use stoop::model::BadReason;

use super::passes::Pass;
use super::{Found, ROUNDS, Subject};

/// Fewer frames are through before the caches are warm and the threads have started.
const FEW_FRAMES: usize = 10_000;
/// Stages that are measured, with their names in JSON.
const STAGES: [(Stage, &str); 4] =
    [(Stage::Decode, "decode"), (Stage::Merge, "merge"), (Stage::Signal, "signal"), (Stage::Total, "total")];
const FUSED: Pass = Pass::Replay(Placement::Fused);
const ONE_ARBITER: Pass = Pass::Replay(Placement::OneArbiter);
const PER_ACTOR: Pass = Pass::Replay(Placement::PerActor);
/// Frames per second of the one as a share of the other's, and what that tells.
const RATIOS: [(Pass, Pass, &str); 6] = [
    (Pass::Stages, Pass::Decode, "what merge and signal leave"),
    (Pass::Clocked, Pass::Stages, "what measuring leaves"),
    (FUSED, Pass::Decode, "a replay beside bare decoding"),
    (FUSED, Pass::Stages, "what reading lines and the digest leave"),
    (ONE_ARBITER, FUSED, "what the actors leave, one thread"),
    (PER_ACTOR, FUSED, "the same, four threads"),
];

/// Lines that can be shown before anything is measured.
pub(super) fn head(subject: &Subject) -> Vec<String> {
    let Subject { input, .. } = subject;
    let mut lines = subject.environment.lines();
    lines.push(format!("input     {}: {} frames, {} bytes", input.name, input.len(), input.bytes()));
    lines.push(format!(
        "rules     {}: {} rules, {} aliases",
        subject.rules, subject.rule_count, subject.alias_count
    ));
    lines.extend(notes(subject).into_iter().map(|note| format!("note      {note}")));
    lines
}

fn notes(subject: &Subject) -> Vec<String> {
    let input = &subject.input;
    let mut notes = Vec::new();
    if subject.environment.is_busy() {
        notes.push("other work has kept this machine busy; trust the ratios more than the rates".to_owned());
    }
    if input.len() < FEW_FRAMES {
        notes.push("with this few frames the start of each pass dominates; use 10000 or more".to_owned());
    }
    if input.is_cut {
        notes.push(
            "the input is larger than the 1 GiB that is held in memory; the rest is not read".to_owned(),
        );
    }
    if input.too_long > 0 {
        notes.push(format!("{} lines longer than 16 MiB are left out", input.too_long));
    }
    if subject.rule_count == 0 {
        notes.push("there is no rule: signal has nothing to do".to_owned());
    }
    notes
}

/// Lines that show what was found.
pub(super) fn body(subject: &Subject, found: &Found) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("median of {ROUNDS} rounds, after one to warm up"),
        format!("{:<20} {:>9} {:>7} {:>9} {:>9}", "", "frames/s", "MB/s", "slowest", "fastest"),
    ];
    for pass in Pass::ALL {
        let [slowest, median, fastest] = found.frames_per_s(subject, pass);
        let megabytes = median * subject.input.bytes() as f64 / subject.input.len() as f64 / 1e6;
        lines.push(format!(
            "{:<20} {median:>9.0} {megabytes:>7.0} {slowest:>9.0} {fastest:>9.0}  {}",
            pass.name(),
            pass.about()
        ));
    }
    lines.extend([String::new(), "frames/s of one over the other, median of the rounds".to_owned()]);
    for (one, other, about) in RATIOS {
        let name = format!("{} / {}", one.name(), other.name());
        lines.push(format!("{name:<35} {:>5.2}  {about}", found.ratio(one, other)));
    }
    let clock_ns = subject.environment.clock_ns;
    lines.extend([
        String::new(),
        format!(
            "stages-clocked, all {ROUNDS} rounds; recv→queued is the three together: no socket, no queue"
        ),
        format!("each stage holds one reading of the clock, {clock_ns:.0} ns; the three together hold three"),
    ]);
    lines.extend(format!("{:#}", found.stages).lines().map(str::to_owned));
    lines.push(String::new());
    let bad = found.outcome.intake.bad_frames();
    if bad > 0 {
        let reasons: Vec<String> =
            bad_reasons(found).map(|(name, count)| format!("{count} {name}")).collect();
        lines.push(format!("bad       {bad} frames, counted and skipped: {}", reasons.join(", ")));
    }
    let (decisions, digest) = found.digest();
    let none = if decisions == 0 { ": no frame matched a rule; try your own rules with -c" } else { "" };
    lines.push(format!("decisions {decisions}{none}"));
    lines.push(format!("digest    {digest}, the same in every placement"));
    lines
}

/// All of it as one object.
pub(super) fn json(subject: &Subject, found: &Found) -> Value {
    let Subject { input, .. } = subject;
    let passes = Pass::ALL.map(|pass| {
        let [slowest, median, fastest] = found.frames_per_s(subject, pass);
        let bytes_per_s = median * input.bytes() as f64 / input.len() as f64;
        let rates = json!({"frames_per_s": median, "frames_per_s_slowest": slowest,
                           "frames_per_s_fastest": fastest, "bytes_per_s": bytes_per_s});
        (pass.name().to_owned(), rates)
    });
    let ratios = RATIOS
        .map(|(one, other, _)| (format!("{}/{}", one.name(), other.name()), json!(found.ratio(one, other))));
    let stages = STAGES.map(|(stage, name)| {
        let row = found.stages.row(stage);
        let figures = json!({"p50": row.p50, "p90": row.p90, "p99": row.p99, "p99_9": row.p99_9,
                             "max": row.max, "count": row.count});
        (name.to_owned(), figures)
    });
    let bad: Map<String, Value> =
        bad_reasons(found).map(|(name, count)| (name.to_owned(), json!(count))).collect();
    let (decisions, digest) = found.digest();
    json!({
        "environment": subject.environment.json(),
        "input": {"name": input.name, "frames": input.len(), "bytes": input.bytes(), "bad": bad,
                  "too_long": input.too_long, "is_cut": input.is_cut},
        "rules": {"name": subject.rules, "rules": subject.rule_count, "aliases": subject.alias_count},
        "notes": notes(subject),
        "rounds": ROUNDS,
        "passes": Map::from_iter(passes),
        "ratios": Map::from_iter(ratios),
        "stages_ns": Map::from_iter(stages),
        "decisions": decisions,
        "digest": digest,
    })
}

fn bad_reasons(found: &Found) -> impl Iterator<Item = (&'static str, u64)> {
    let named = BadReason::ALL.into_iter().map(BadReason::as_str).zip(found.outcome.intake.bad);
    named.filter(|(_, count)| *count > 0)
}

impl Found {
    /// Slowest, median and fastest.
    fn frames_per_s(&self, subject: &Subject, pass: Pass) -> [f64; 3] {
        let frames = subject.input.len() as f64;
        let rates = sorted(self.nanos_of(pass).iter().map(|nanos| frames * 1e9 / *nanos as f64));
        let at = |place: usize| rates.get(place).copied().unwrap_or(0.0);
        [at(0), at(rates.len() / 2), at(rates.len().saturating_sub(1))]
    }

    /// Frames per second of the one over the other's, round by round; the median.
    fn ratio(&self, one: Pass, other: Pass) -> f64 {
        let pairs = self.nanos_of(one).iter().zip(self.nanos_of(other));
        let ratios = sorted(pairs.map(|(one, other)| *other as f64 / *one as f64));
        ratios.get(ratios.len() / 2).copied().unwrap_or(0.0)
    }

    fn nanos_of(&self, pass: Pass) -> &[u64] {
        let place = Pass::ALL.iter().position(|known| *known == pass);
        place.and_then(|place| self.nanos.get(place)).map_or(&[], Vec::as_slice)
    }

    fn digest(&self) -> (u64, &str) {
        self.outcome.digest.as_ref().map_or((0, ""), |(count, digest)| (*count, digest))
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
