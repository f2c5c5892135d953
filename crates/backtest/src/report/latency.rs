//! How long it took: of the run that recorded, stage by stage, and of the posts on their way to a decision.

use maud::{Markup, PreEscaped, html};
use stoop_latency::{Nanos, Stage};
use stoop_model::Decision;

use super::charts::{self, Colour, FOURTH, MAIN, Percentiles, SECOND, THIRD};
use super::text::count;
use crate::average::quantile;
use crate::findings::{Findings, Recorded, RecordedStage};

const COLOURS: [(Colour, &str); 4] =
    [(MAIN, "key main"), (SECOND, "key second"), (THIRD, "key third"), (FOURTH, "key fourth")];

/// A row of a table of percentiles, and a curve of its chart.
struct Spread {
    name: String,
    count: u64,
    negative: u64,
    /// p50, p90, p99, p99.9, max, ns.
    values: [Option<u64>; 5],
}

/// The latencies of the stages in the run that recorded.
pub(super) fn stages(findings: &Findings) -> Markup {
    let recorded = &findings.recorded;
    if recorded.lines == 0 {
        return html! { p {
            "No input holds decisions of a live run, so there are no latencies by stage: JSONL has frames alone, "
            "and a tape has decisions only if the run that recorded it had rules. A replay cannot measure any, because "
            "its time comes from the recording."
        } };
    }
    let of = |is_it: fn(Stage) -> bool| -> Vec<Spread> {
        recorded.stages.iter().filter(|stage| is_it(stage.row.stage)).map(spread).collect()
    };
    let engine = of(|stage| stage.clock() == stoop_latency::Clock::Machine);
    let way = of(|stage| stage.clock() == stoop_latency::Clock::Wall);
    html! {
        p {
            "Measured by the run that wrote the tapes, on "
            (count(usize::try_from(recorded.lines).unwrap_or(usize::MAX), "decision"))
            " it recorded there" (left_out(recorded))
            ". These latencies belong to the recorded decisions, not to those of this study: a replay measures none."
        }
        @if engine.is_empty() && way.is_empty() {
            p { "None of them has a latency: they were written by a replay, not by a live run." }
        }
        div.pair {
            (plot("Stages of the engine, per decision", &engine))
            (plot("From the author to the socket, per post; by the clocks of three machines", &way))
        }
    }
}

fn left_out(recorded: &Recorded) -> String {
    let parts = [
        (recorded.unmeasured, "without latency"),
        (recorded.untriggered, "caused by a deadline or a command"),
        (recorded.late, "on posts that came late"),
    ];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if shown.is_empty() { String::new() } else { format!("; left out: {}", shown.join(", ")) }
}

fn spread(RecordedStage { name, row }: &RecordedStage) -> Spread {
    Spread {
        name: (*name).to_owned(),
        count: row.count,
        negative: row.negative,
        values: [row.p50, row.p90, row.p99, row.p99_9, row.max],
    }
}

/// From the post to its receipt by the vendor and to the decision, of the opens of this study.
pub(super) fn opens(findings: &Findings) -> Markup {
    let opens: Vec<&Decision> = findings
        .events
        .iter()
        .filter(|event| event.counts && !event.decision.late)
        .map(|event| &event.decision)
        .collect();
    let nanos = |ms: Option<i64>| ms?.checked_mul(1_000_000);
    let received =
        |decision: &Decision| nanos(decision.received_ms)?.checked_sub(nanos(decision.created_ms)?);
    let decided = |decision: &Decision| decision.decided_ns.checked_sub(nanos(decision.created_ms)?);
    let rows = [
        spread_of("created→received", opens.iter().filter_map(|decision| received(decision)).collect()),
        spread_of("created→decided", opens.iter().filter_map(|decision| decided(decision)).collect()),
    ];
    html! {
        p {
            "For the opens of this study, without late ones. The time of a decision in a replay is that at which "
            "its frame was received; from JSONL, that at which the server sent it."
        }
        div.pair { (plot("From the post to the decision", &rows)) }
    }
}

fn spread_of(name: &str, spans_ns: Vec<i64>) -> Spread {
    let all = spans_ns.len();
    let mut values: Vec<f64> = spans_ns.into_iter().filter(|ns| *ns >= 0).map(|ns| ns as f64).collect();
    values.sort_by(f64::total_cmp);
    let at = |share| quantile(&values, share).map(|value| value as u64);
    Spread {
        name: name.to_owned(),
        count: values.len() as u64,
        negative: (all - values.len()) as u64,
        values: [at(0.5), at(0.9), at(0.99), at(0.999), at(1.0)],
    }
}

fn plot(title: &str, rows: &[Spread]) -> Markup {
    let measured: Vec<&Spread> = rows.iter().filter(|row| row.count + row.negative > 0).collect();
    if measured.is_empty() {
        return html! {};
    }
    let curves =
        measured.iter().zip(COLOURS.iter().cycle()).map(|(row, (colour, _))| (*colour, row.values)).collect();
    let has_negative = measured.iter().any(|row| row.negative > 0);
    html! {
        figure {
            @if measured.iter().any(|row| row.count > 0) {
                (PreEscaped(charts::percentiles(&Percentiles { title, curves })))
            }
            figcaption { (title) }
            div.scroll { table {
                thead { tr {
                    th { "Stage" } th.n { "p50" } th.n { "p90" } th.n { "p99" } th.n { "p99.9" } th.n { "max" }
                    th.n { "n" }
                    @if has_negative { th.n { "negative" } }
                } }
                tbody { @for (row, (_, key)) in measured.iter().zip(COLOURS.iter().cycle()) { tr {
                    td.when { span class=(key) { "● " } (row.name) }
                    @for value in row.values { td.n { (time(value)) } }
                    td.n { (row.count) }
                    @if has_negative { td.n { (row.negative) } }
                } } }
            } }
            @if measured.iter().any(|row| (1..1000).contains(&row.count)) {
                p.note {
                    "With fewer than 1,000 values, percentiles above p" (reach(&measured))
                    " say little more than the maximum does."
                }
            }
        }
    }
}

fn time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), |ns| Nanos(ns).to_string().replace(' ', "\u{a0}"))
}

/// The last percentile that the smallest number of values tells apart from the largest.
fn reach(rows: &[&Spread]) -> &'static str {
    match rows.iter().map(|row| row.count).filter(|count| *count > 0).min().unwrap_or(0) {
        0..10 => "50",
        10..100 => "90",
        100.. => "99",
    }
}
