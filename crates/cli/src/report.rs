//! The summary of a run: a digest, counters, the latency of every stage.

use serde_json::{Map, Value, json};
use stoop::counters::EndpointReport;
use stoop::latency::Table;
use stoop::model::{BadReason, Op};
use stoop::{End, Summary};

use crate::output::note;
use crate::stderr;

/// Shows what a live run did.
pub(crate) fn live(summary: &Summary, as_json: bool) {
    let table = summary.latency.snapshot();
    if as_json {
        let mut object = common(summary);
        object.insert("feed".to_owned(), feed(summary));
        object.insert("endpoints".to_owned(), endpoints(summary));
        object.insert("queue".to_owned(), queue(summary));
        object.insert("store".to_owned(), store(summary));
        object.insert("tape".to_owned(), tape(summary));
        object.insert("log".to_owned(), json!({"lost": stderr::lost()}));
        object.insert("latency_ns".to_owned(), latency(&table));
        note(format_args!("digest {}", summary.digest));
        note(format_args!("{}", Value::Object(object)));
        return;
    }
    note(format_args!("{table}"));
    counters(summary);
    let (feed, queue) = (&summary.counters.feed, &summary.counters.queue);
    note(format_args!(
        "connection: {} dials, {} opens, {} pings, {} pongs, {} rejected messages, {} gaps of {} ms in all",
        feed.dials,
        feed.opens,
        feed.pings,
        feed.pongs,
        feed.rejected,
        feed.gaps,
        feed.gap_ns / 1_000_000
    ));
    if feed.gaps > 0 {
        note(format_args!(
            "history: {} back-fills of {} rows, {} failed; {} signals missed",
            feed.backfills, feed.backfill_rows, feed.backfill_failed, summary.counters.signal.missed
        ));
    }
    for endpoint in summary.endpoints.iter().filter(|_| summary.endpoints.len() > 1) {
        let (name, frames, copies) = (&endpoint.name, endpoint.frames, copies(endpoint));
        let lag = endpoint.lag.as_ref().map_or(String::new(), |lag| format!(", {lag} after the first"));
        if endpoint.is_left_out {
            note(format_args!("endpoint {name}: left out, because the plan has no connection for it"));
            continue;
        }
        note(format_args!("endpoint {name}: {frames} frames, {copies} of them copies{lag}"));
    }
    note(format_args!(
        "queue: {} queued, {} times full, {} expired, {} opens dropped, {} followers dropped, {} undelivered",
        queue.queued,
        queue.full,
        queue.expired,
        queue.dropped_opens,
        queue.dropped_followers,
        queue.undelivered
    ));
    let tape = &summary.counters.tape;
    if tape.files + tape.failed > 0 {
        let failed = match tape.failed {
            0 => String::new(),
            count => format!("; {count} ended early, because they could not be written"),
        };
        note(format_args!(
            "tape: {} files, {} records, {} dropped{failed}",
            tape.files, tape.records, tape.dropped
        ));
        if tape.same + tape.differing + tape.unchecked > 0 {
            note(format_args!(
                "parity: {} files the same, {} differ, {} not checked",
                tape.same, tape.differing, tape.unchecked
            ));
        }
    }
    let store = &summary.counters.store;
    if store.commits + store.failed > 0 {
        note(format_args!(
            "store: {} tweets and {} decisions of the previous run, {} commits, {} failed",
            store.restored_tweets, store.restored_decisions, store.commits, store.failed
        ));
    }
    match stderr::lost() {
        0 => {}
        lost => note(format_args!("log: {lost} lines lost")),
    }
    note(format_args!("digest {}", summary.digest));
}

/// Shows what a replay did.
pub(crate) fn replay(summary: &Summary, as_json: bool) {
    if as_json {
        note(format_args!("digest {}", summary.digest));
        note(format_args!("{}", Value::Object(common(summary))));
        return;
    }
    counters(summary);
    note(format_args!("digest {}", summary.digest));
}

fn counters(summary: &Summary) {
    let (intake, merge, signal) =
        (&summary.counters.intake, &summary.counters.merge, &summary.counters.signal);
    let events = named(&Op::ALL.map(Op::as_str), &intake.events);
    note(format_args!("frames: {} ({} bytes){events}", intake.frames, intake.bytes));
    if intake.bad_frames() > 0 {
        let reasons = named(&BadReason::ALL.map(BadReason::as_str), &intake.bad);
        note(format_args!("bad frames: {}{reasons}", intake.bad_frames()));
    }
    let unknown =
        intake.unknown_version + intake.unknown_fields + intake.unknown_values + intake.field_errors;
    if unknown > 0 {
        note(format_args!(
            "unknown: {} versions, {} members, {} values; {} fields left out",
            intake.unknown_version, intake.unknown_fields, intake.unknown_values, intake.field_errors
        ));
    }
    note(format_args!(
        "merge: {} joined, {} duplicates, {} tweets begun, {} before content, {} pushed out",
        merge.joined, merge.duplicates, merge.begun, merge.before_content, merge.pushed_out
    ));
    note(format_args!(
        "decisions: {} ({} opened, {} confirmed, {} revised, {} lapsed, {} cancelled), {} too old to open",
        summary.digest.count(),
        signal.opened,
        signal.confirmed,
        signal.revised,
        signal.lapsed,
        signal.cancelled,
        signal.stale
    ));
    let held = [
        (signal.untradable, "not in the universe"),
        (signal.cooled, "in a cooldown"),
        (signal.crowded, "posts with more assets than `max`"),
    ];
    let held: Vec<_> =
        held.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !held.is_empty() {
        note(format_args!("not opened: {}", held.join(", ")));
    }
}

fn named(names: &[&str], counts: &[u64]) -> String {
    let shown = names.iter().zip(counts).filter(|(_, count)| **count > 0);
    shown.flat_map(|(name, count)| [", ".to_owned(), format!("{name} {count}")]).collect()
}

fn common(summary: &Summary) -> Map<String, Value> {
    let (intake, merge, signal) =
        (&summary.counters.intake, &summary.counters.merge, &summary.counters.signal);
    let members = json!({
        "digest": summary.digest.to_string(),
        "decisions": summary.digest.count(),
        "end": match &summary.end {
            End::Stopped => "stopped",
            End::MaxFrames => "max_frames",
            End::ConsumerGone => "consumer_gone",
            End::Refused(_) => "refused",
            End::Panicked(_) => "panicked",
            _ => "other",
        },
        "frames": intake.frames,
        "bytes": intake.bytes,
        "events": counts(&Op::ALL.map(Op::as_str), &intake.events),
        "bad_frames": intake.bad_frames(),
        "bad": counts(&BadReason::ALL.map(BadReason::as_str), &intake.bad),
        "late": intake.late,
        "copies": intake.copies,
        "unknown_version": intake.unknown_version,
        "unknown_fields": intake.unknown_fields,
        "unknown_values": intake.unknown_values,
        "field_errors": intake.field_errors,
        "merge": {
            "joined": merge.joined,
            "duplicates": merge.duplicates,
            "begun": merge.begun,
            "left": merge.left,
            "pushed_out": merge.pushed_out,
            "shared_id": merge.shared_id,
            "frames_over": merge.frames_over,
            "assets_over": merge.assets_over,
            "before_content": merge.before_content,
            "passed": merge.passed,
            "in_window": summary.counters.window_tweets,
        },
        "signal": {
            "tested": signal.tested,
            "opened": signal.opened,
            "confirmed": signal.confirmed,
            "revised": signal.revised,
            "lapsed": signal.lapsed,
            "cancelled": signal.cancelled,
            "stale": signal.stale,
            "waits_over": signal.waits_over,
            "pushed_out": signal.pushed_out,
            "external": signal.messages,
            "gaps": signal.gaps,
            "missed": signal.missed,
            "strategies_off": signal.strategies_off,
            "untradable": signal.untradable,
            "cooled": signal.cooled,
            "crowded": signal.crowded,
            "cooldowns_pushed_out": signal.cooldowns_pushed_out,
            "local_assets_over": signal.local_assets_over,
        },
    });
    members.as_object().cloned().unwrap_or_default()
}

fn counts(names: &[&str], counts: &[u64]) -> Value {
    Value::Object(names.iter().zip(counts).map(|(name, count)| ((*name).to_owned(), json!(count))).collect())
}

fn feed(summary: &Summary) -> Value {
    let feed = &summary.counters.feed;
    json!({"dials": feed.dials, "opens": feed.opens, "pings": feed.pings, "pongs": feed.pongs,
           "rejected": feed.rejected, "gaps": feed.gaps, "gap_ns": feed.gap_ns, "backfills": feed.backfills,
           "backfill_rows": feed.backfill_rows, "backfill_failed": feed.backfill_failed})
}

fn endpoints(summary: &Summary) -> Value {
    let each = summary.endpoints.iter().map(|endpoint| {
        let lag = endpoint.lag.as_ref().map(|lag| {
            json!({"p50": lag.quantile(0.5), "p99": lag.quantile(0.99), "max": lag.max(), "count": lag.count()})
        });
        let feed = &endpoint.feed;
        json!({"name": endpoint.name, "left_out": endpoint.is_left_out, "dials": feed.dials,
            "opens": feed.opens, "pings": feed.pings,
               "pongs": feed.pongs, "rejected": feed.rejected, "frames": endpoint.frames, "copies": copies(endpoint),
               "lag_ns": lag})
    });
    Value::Array(each.collect())
}

/// Frames that another endpoint had brought already.
fn copies(endpoint: &EndpointReport) -> u64 {
    endpoint.lag.as_ref().map_or(0, |lag| lag.count())
}

fn queue(summary: &Summary) -> Value {
    let queue = &summary.counters.queue;
    json!({"queued": queue.queued, "full": queue.full, "expired": queue.expired,
           "dropped_opens": queue.dropped_opens, "dropped_followers": queue.dropped_followers,
           "undelivered": queue.undelivered})
}

fn store(summary: &Summary) -> Value {
    let store = &summary.counters.store;
    json!({"restored_tweets": store.restored_tweets, "restored_decisions": store.restored_decisions,
           "commits": store.commits, "failed": store.failed, "failing_ms": store.failing_ms})
}

fn tape(summary: &Summary) -> Value {
    let tape = &summary.counters.tape;
    json!({"files": tape.files, "records": tape.records, "dropped": tape.dropped, "failed": tape.failed,
           "same": tape.same, "differing": tape.differing, "unchecked": tape.unchecked})
}

fn latency(table: &Table) -> Value {
    let rows = table.rows().iter().map(|row| {
        json!({"stage": row.stage.name(), "p50": row.p50, "p90": row.p90, "p99": row.p99, "p99_9": row.p99_9,
               "max": row.max, "count": row.count, "negative": row.negative, "over_1h": row.saturated})
    });
    Value::Array(rows.collect())
}
