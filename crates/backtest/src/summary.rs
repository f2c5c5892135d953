//! `summary.json`: everything but the outcomes themselves, and where it comes from.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::findings::{Findings, MissedSignal, Recorded, RecordedStage, SeriesReport};
use crate::outcome::Exclusion;
use crate::prices::{Hole, Layout};
use crate::provenance::{Source, WARNING};
use crate::search::SeriesBy;
use crate::statistics::Statistics;
use crate::tally::{AssignedRow, assigned_series, left_out, steps};

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'a str,
    warning: &'a str,
    sources: &'a [Source],
    settings: SettingsJson<'a>,
    decisions: BTreeMap<&'static str, usize>,
    excluded: BTreeMap<&'static str, usize>,
    series: Vec<SeriesJson<'a>>,
    assigned: Vec<AssignedRow>,
    statistics: &'a Statistics,
    missed: Vec<MissedJson<'a>>,
    recorded: RecordedJson,
}

#[derive(Serialize)]
struct MissedJson<'a> {
    rule: &'a str,
    platform: &'a str,
    tweet_id: String,
    author: Option<&'a str>,
    link: Option<&'a str>,
    asset: String,
    series: Option<&'a str>,
    series_by: Option<&'static str>,
    looked_for: Vec<String>,
    created_ms: Option<i64>,
    seen_ns: i64,
    delay_ms: Option<f64>,
    from_post: Option<String>,
    from_seen: Option<String>,
    excluded: Option<&'static str>,
}

#[derive(Serialize)]
struct RecordedJson {
    decisions: u64,
    without_latency: u64,
    not_of_a_frame: u64,
    late: u64,
    latency_ns: Vec<StageJson>,
}

#[derive(Serialize)]
struct StageJson {
    stage: &'static str,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    p99_9: Option<u64>,
    max: Option<u64>,
    count: u64,
    negative: u64,
    over_1h: u64,
}

#[derive(Serialize)]
struct SettingsJson<'a> {
    latency_ns: i64,
    horizons_ms: &'a [i64],
    benchmark: Option<&'a str>,
    taker_bps: String,
    slippage_major_bps: String,
    slippage_bps: String,
    series: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct SeriesJson<'a> {
    name: &'a str,
    layout: &'static str,
    spacing_ns: i64,
    rows: u64,
    first_ns: i64,
    last_ns: i64,
    missing_bars: u64,
    silent_bars: u64,
    holes: Vec<HoleJson>,
}

#[derive(Serialize)]
struct HoleJson {
    from_ns: i64,
    to_ns: i64,
    is_missing: bool,
}

/// Writes the summary as JSON; `version` is the program's.
pub fn write_summary(
    findings: &Findings,
    statistics: &Statistics,
    out: &mut impl Write,
    version: &str,
    sources: &[Source],
) -> io::Result<()> {
    let settings = &findings.settings;
    let json = Json {
        schema: 1,
        version,
        warning: WARNING,
        sources,
        settings: SettingsJson {
            latency_ns: settings.latency_ns,
            horizons_ms: &settings.horizons_ms,
            benchmark: settings.benchmark.as_deref(),
            // As text, like all decimals: a JSON number would be read as a double.
            taker_bps: settings.costs.taker_bps.to_string(),
            slippage_major_bps: settings.costs.slippage_major_bps.to_string(),
            slippage_bps: settings.costs.slippage_bps.to_string(),
            series: settings.names.iter().collect(),
        },
        decisions: steps(findings),
        excluded: left_out(findings),
        series: findings.series.iter().map(series).collect(),
        assigned: assigned_series(findings),
        statistics,
        missed: findings.missed.iter().map(missed).collect(),
        recorded: recorded(&findings.recorded),
    };
    serde_json::to_writer_pretty(&mut *out, &json)?;
    out.write_all(b"\n")
}

fn series(report: &SeriesReport) -> SeriesJson<'_> {
    let hole =
        |hole: &Hole| HoleJson { from_ns: hole.from_ns, to_ns: hole.to_ns, is_missing: hole.is_missing };
    SeriesJson {
        name: &report.name,
        layout: Layout::as_str(report.layout),
        spacing_ns: report.spacing_ns,
        rows: report.rows,
        first_ns: report.first_ns,
        last_ns: report.last_ns,
        missing_bars: report.holes.missing_bars,
        silent_bars: report.holes.silent_bars,
        holes: report.holes.longest.iter().map(hole).collect(),
    }
}

fn missed(missed: &MissedSignal) -> MissedJson<'_> {
    let signal = &missed.signal;
    let text = |value: Option<Decimal>| value.map(|value| value.to_string());
    MissedJson {
        rule: &signal.rule.name,
        platform: signal.platform.as_str(),
        tweet_id: signal.tweet_id.to_string(),
        author: signal.author.as_deref(),
        link: signal.link.as_deref(),
        asset: stoop_engine::asset_key(signal.asset.as_ref()),
        series: missed.search.series(),
        series_by: missed.search.by().map(SeriesBy::as_str),
        looked_for: missed.search.looked_for.iter().map(ToString::to_string).collect(),
        created_ms: signal.created_ms,
        seen_ns: signal.decided_ns,
        delay_ms: missed.delay_ms,
        from_post: text(missed.from_post),
        from_seen: text(missed.from_seen),
        excluded: missed.excluded.map(Exclusion::as_str),
    }
}

fn recorded(recorded: &Recorded) -> RecordedJson {
    let stage = |RecordedStage { name, row }: &RecordedStage| StageJson {
        stage: name,
        p50: row.p50,
        p90: row.p90,
        p99: row.p99,
        p99_9: row.p99_9,
        max: row.max,
        count: row.count,
        negative: row.negative,
        over_1h: row.saturated,
    };
    RecordedJson {
        decisions: recorded.lines,
        without_latency: recorded.unmeasured,
        not_of_a_frame: recorded.untriggered,
        late: recorded.late,
        latency_ns: recorded.stages.iter().map(stage).collect(),
    }
}
