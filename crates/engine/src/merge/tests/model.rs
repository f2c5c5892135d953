//! What a view must be, said as plainly as possible: for every field the value of the best (operation, time, hash).

use std::collections::BTreeMap;
use std::fmt::Write;

use stoop_wire::{Decoder, Limits};

use super::frame::Frame;

type Rank = (u8, u8, u64);
type Best = BTreeMap<String, (Rank, String)>;

/// Dumps the state of a tweet as [`super::dump`] does.
pub(super) fn of(frames: &[Frame], tweet: u64) -> String {
    let mut decoder = Decoder::new(Limits::default());
    let (mut best, mut assets) = (Best::new(), BTreeMap::<String, ((Rank, usize), Best)>::new());
    let (mut deleted, mut pinned) = (false, None);
    for frame in frames {
        let mut fingerprint = 0;
        decoder.decode(frame.json(tweet).as_bytes(), |event| {
            fingerprint = event.expect("a good frame").fingerprint;
        });
        let rank = (u8::from(frame.op == "update"), frame.ts, fingerprint);
        match frame.op {
            "delete" => deleted = true,
            "pin" | "unpin" => {
                let observed = frame.fields[0].1.parse::<i64>().expect("a number");
                pinned = pinned.max(Some((observed, frame.op == "pin")));
            }
            _ => {
                for (name, value) in frame.fields.iter().flat_map(|(path, value)| named(path, value)) {
                    put(&mut best, rank, name, value);
                }
            }
        }
        // In the event the tokens come first, whatever their order in the frame.
        let (tokens, markets): (Vec<_>, Vec<_>) =
            frame.assets.iter().partition(|(list, _)| *list == "tokens");
        for (place, (list, fields)) in tokens.into_iter().chain(markets).enumerate() {
            let Some(identity) = identity(list, fields) else { continue };
            let (first, best) = assets.entry(identity).or_insert_with(|| ((rank, place), Best::new()));
            *first = (*first).min((rank, place));
            for (name, value) in fields {
                put(best, rank, (*name).to_owned(), unquoted(value));
            }
        }
    }
    let mut out = String::new();
    let mut line = |name: &str, value: &str| writeln!(out, "{name}={value}").expect("a string");
    line("deleted", &deleted.to_string());
    line("pinned", &format!("{pinned:?}"));
    for name in BODY.iter().chain(&AUTHOR) {
        if let Some((_, value)) = best.get(*name) {
            line(name, value);
        }
    }
    let mut assets: Vec<_> = assets.into_iter().collect();
    assets.sort_by_key(|(_, (first, _))| *first);
    for (identity, (_, best)) in assets {
        let names = [
            ("symbol", "Symbol"),
            ("contract", "Contract"),
            ("chain", "Chain"),
            ("exchange", "Exchange"),
            ("baseAsset", "Base"),
            ("quoteAsset", "Quote"),
            ("sources", "Sources"),
        ];
        let fields = names.iter().filter_map(|(name, shown)| Some(format!("{shown}:{}", best.get(*name)?.1)));
        let price =
            best.get("priceUsd").map_or("None".to_owned(), |(_, price)| format!("Some(Usd({price}))"));
        let class = if identity.starts_with('m') { "Cex" } else { "Token" };
        line(class, &format!("{} {price}", fields.collect::<Vec<_>>().join(" ")));
    }
    out
}

const BODY: [&str; 11] = [
    "Kind",
    "Text",
    "CreatedAt",
    "ReceivedAt",
    "Link",
    "RefType",
    "RefText",
    "OcrText",
    "Media",
    "Mentions",
    "Urls",
];
const AUTHOR: [&str; 6] = [
    "author.Handle",
    "author.Name",
    "author.Followers",
    "author.VerifiedLabel",
    "author.LabelBadge",
    "ref.Handle",
];

/// The fields that a member of a frame sets, as a dump calls and shows them.
fn named(path: &str, value: &str) -> Vec<(String, String)> {
    let name = match path {
        "kind" => "Kind",
        "text" => "Text",
        "createdAt" => "CreatedAt",
        "receivedAt" => "ReceivedAt",
        "link" => "Link",
        "media" => "Media",
        "mentions" => "Mentions",
        "urls" => "Urls",
        "author.handle" => "author.Handle",
        "author.name" => "author.Name",
        "author.followersCount" => "author.Followers",
        "author.verifiedLabel" => "author.VerifiedLabel",
        "ref.type" => "RefType",
        "ref.text" => "RefText",
        "ref.author.handle" => "ref.Handle",
        "ocr.text" => "OcrText",
        other => panic!("no name for {other}"),
    };
    let shown = match value {
        "[]" => "[]",
        r#"[{"url":"m","type":"gif"}]"# => "[m/gif/-]",
        r#"[{"url":"n"},{"thumbnail":"o"}]"# => "[n/-/-,-/-/o]",
        r#"[{"handle":"@m"}]"# => "[@m/-/-]",
        r#"[{"id":"7"},{"name":"n"}]"# => "[-/7/-,-/-/n]",
        r#"[{"url":"u"}]"# => "[u/-/-]",
        r#"[{"url":"v","tco":"t"},{"name":"w"}]"# => "[v/-/t,-/w/-]",
        "{}" | r#"{"badge":"b"}"# => "0",
        other => other.trim_matches('"'),
    };
    let mut fields = vec![(name.to_owned(), shown.to_owned())];
    if value.contains("badge") {
        fields.push(("author.LabelBadge".to_owned(), "b".to_owned()));
    }
    fields
}

fn put(best: &mut Best, rank: Rank, name: String, value: String) {
    let held = best.entry(name).or_insert_with(|| (rank, value.clone()));
    // A frame may name an asset twice: the later value counts.
    if rank >= held.0 {
        *held = (rank, value);
    }
}

fn identity(list: &str, fields: &[(&str, String)]) -> Option<String> {
    let text = |name| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| unquoted(value));
    let text = |name| text(name).filter(|text| !text.is_empty());
    if list == "cex" {
        let pair = || Some(text("baseAsset")? + &text("quoteAsset")?);
        return Some(format!("m {} {}", text("exchange")?, text("symbol").or_else(pair)?));
    }
    match text("contract") {
        Some(contract) if contract.starts_with("0x") => {
            Some(format!("c {:?} {}", text("chain"), contract.to_lowercase()))
        }
        Some(contract) => Some(format!("c {:?} {contract}", text("chain"))),
        None => Some(format!("s {}", text("symbol")?.to_uppercase())),
    }
}

fn unquoted(value: &str) -> String {
    match value {
        "[]" => String::new(),
        r#"["text"]"# => "text".to_owned(),
        r#"["ocr","text"]"# => "ocr\u{1f}text".to_owned(),
        other => other.trim_matches('"').to_owned(),
    }
}
