//! What assets a rule decides on.

use super::{Run, check, opens, rules_of};
use stoop_engine::Bounds;
use stoop_model::Evidence;

const TOKENS: &str = "assets = { tokens = true }";
const CEX: &str = "assets = { cex = true }";
const EVM: &str = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";
const SOLANA: &str = "7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr";

fn meta(detected: &str) -> String {
    format!("meta \"detected\":{{{detected}}}")
}

fn tokens(list: &str) -> String {
    meta(&format!(r#""tokens":[{list}]"#))
}

/// What is open after one content and, if there is one, a meta before it.
#[track_caller]
fn opened(rules: &str, text: &str, enrichment: &str, expect: &[&str]) {
    let mut run = Run::new(&rules_of(rules), Bounds::default());
    if !enrichment.is_empty() {
        run.put((0.0, &meta(enrichment)));
    }
    run.put((1.0, &format!(r#"content "text":"{text}""#)));
    let keys: Vec<_> = run.decisions.iter().map(|decision| super::key(decision.asset.as_ref())).collect();
    assert_eq!(keys, expect, "\n{rules}\n{text}\n{enrichment}");
    let groups: Vec<_> =
        run.decisions.iter().map(|decision| (decision.group.index, decision.group.count)).collect();
    assert_eq!(
        groups,
        (1..=expect.len() as u32).map(|index| (index, expect.len() as u32)).collect::<Vec<_>>()
    );
}

#[test]
fn tickers_count_as_tokens_until_the_enrichment_has_come() {
    opened(TOKENS, "$EDGE and $edge, $AB", "", &["ticker:EDGE", "ticker:AB"]);
    opened(TOKENS, "$100 $T $BRK.B $PEPE$WIF https://x.io/$URL $SP…", "", &[]);
    opened(CEX, "$EDGE", "", &[]);
    opened("assets = { addresses = true, prediction = true }", "$EDGE", "", &[]);
    opened(TOKENS, "$EDGE", r#""tokens":[]"#, &[]);
    opened(TOKENS, "$EDGE", r#""tokens":[{"symbol":"AB"}]"#, &["token:AB"]);
    // Any meta frame is the enrichment.
    check(TOKENS, &[(0.0, r#"meta "ocr":{"text":"x"}"#), (1.0, r#"content "text":"$EDGE""#)], &[]);
}

#[test]
fn tokens_of_the_enrichment() {
    for (list, expect) in [
        (r#"{"symbol":"E","contract":"C","chain":"sol"}"#, vec!["token:sol:C"]),
        (r#"{"contract":"C"}"#, vec!["token:-:C"]),
        (r#"{"symbol":"e"}"#, vec!["token:e"]),
        (r#"{"name":"nothing"}"#, vec![]),
        // Beside one of its symbol with a contract, one without is dropped.
        (r#"{"symbol":"e"},{"symbol":"E","contract":"C"}"#, vec!["token:-:C"]),
        // Different contracts of one symbol do not pass; one contract on two chains is no such thing.
        (r#"{"symbol":"E","contract":"C"},{"symbol":"e","contract":"D"},{"symbol":"F"}"#, vec!["token:F"]),
        (
            r#"{"symbol":"E","contract":"C","chain":"base"},{"symbol":"E","contract":"C","chain":"eth"}"#,
            vec!["token:base:C", "token:eth:C"],
        ),
        (r#"{"symbol":"E","contract":"C"},{"symbol":"E","contract":"C","chain":"eth"}"#, vec!["token:eth:C"]),
    ] {
        opened(TOKENS, "", &format!(r#""tokens":[{list}]"#), &expect);
        opened(CEX, "", &format!(r#""tokens":[{list}]"#), &[]);
    }
}

#[test]
fn markets_of_the_enrichment() {
    let cex = r#""cex":[{"exchange":"binance","symbol":"EUSDT"},{"exchange":"bybit","baseAsset":"E","quoteAsset":"USDC"},
        {"exchange":"hyperliquid","baseAsset":"E"},{"exchange":"okx","symbol":"EUSDT"},{"symbol":"EUSDT"}]"#;
    let cex = cex.replace('\n', "");
    opened(CEX, "", &cex, &["cex:binance:EUSDT", "cex:bybit:EUSDC"]);
    opened(r#"assets = { cex = ["bybit"] }"#, "", &cex, &["cex:bybit:EUSDC"]);
    opened(TOKENS, "", &cex, &[]);
    opened("assets = { cex = false, tokens = true }", "", &cex, &[]);
    let prediction = r#""prediction":[{"exchange":"kalshi","marketId":"M","priceUsd":0.5},{"exchange":"augur","marketId":"M"},{"exchange":"polymarket"}]"#;
    opened("assets = { prediction = true }", "", prediction, &["prediction:kalshi:M"]);
    opened(r#"assets = { prediction = ["polymarket"] }"#, "", prediction, &[]);
    opened(CEX, "", prediction, &[]);
}

#[test]
fn addresses_count_only_when_asked_for() {
    let rule = "assets = { addresses = true }";
    let both = [format!("address:{EVM}"), format!("address:{SOLANA}")];
    opened(rule, &format!("{EVM} and CA:{SOLANA}."), "", &both.each_ref().map(String::as_str));
    opened(TOKENS, EVM, "", &[]);
    opened(rule, &format!("https://dexscreener.com/ethereum/{EVM} https://x.com/{SOLANA}"), "", &[&both[0]]);
    opened(rule, EVM, r#""tokens":[]"#, &[&both[0]]);
    // Named by the enrichment, it is a token; the rule takes it though it takes no others.
    let token = format!(
        r#""tokens":[{{"contract":"{}","chain":"eth","symbol":"P"}},{{"symbol":"Q"}}]"#,
        EVM.to_lowercase()
    );
    opened(rule, EVM, &token, &[&format!("token:eth:{}", EVM.to_lowercase())]);
    let listed = format!(r#"content "text":"","urls":[{{"url":"https://birdeye.so/token/{SOLANA}?x"}}]"#);
    opens(rule, &[(0.0, &listed)], true);
    opens(rule, &[(0.0, &listed.replace("birdeye.so", "birdeye.sol"))], false);
}

#[test]
fn aliases_count_as_markets_always() {
    let rules = |assets: &str| {
        format!(
            "[[rule]]\nname = \"r\"\n{assets}\n[[alias]]\nterms = [\"doge\", \"dogecoin\"]\n\
             market = \"binance:DOGEUSDT\"
             [[alias]]\nterms = [\"shiba\"]\nmarket = \"binance:DOGEUSDT\""
        )
    };
    opened(&rules(CEX), "the Doge", "", &["cex:binance:DOGEUSDT"]);
    opened(&rules(CEX), "the doge", r#""tokens":[]"#, &["cex:binance:DOGEUSDT"]);
    // One market, however it is named.
    opened(
        &rules(CEX),
        "doge dogecoin shiba",
        r#""cex":[{"exchange":"binance","baseAsset":"DOGE","quoteAsset":"USDT"}]"#,
        &["cex:binance:DOGEUSDT"],
    );
    opened(&rules(CEX), "doges", "", &[]);
    opened(&rules(r#"assets = { cex = ["bybit"] }"#), "doge", "", &[]);
    opened(&rules(TOKENS), "doge", "", &[]);
    // A ticker and a passing market of that base are one asset.
    opened(
        &rules("assets = { cex = true, tokens = true }"),
        "$DOGE doge $AB",
        "",
        &["ticker:AB", "cex:binance:DOGEUSDT"],
    );
    opened(&rules(TOKENS), "$DOGE doge", "", &["ticker:DOGE"]);
}

#[test]
fn emit_decides_on_exactly_these() {
    let rule = "any = [\"doge\"]\nemit = [\"binance:DOGEUSDT\", \"kalshi:K\"]";
    check(
        rule,
        &[(0.0, r#"content "text":"doge $AB""#), (5.0, &tokens(r#"{"symbol":"AB"}"#))],
        &[
            "0 open cex:binance:DOGEUSDT content",
            "0 open prediction:kalshi:K content",
            "5 confirm cex:binance:DOGEUSDT meta",
            "5 confirm prediction:kalshi:K meta",
        ],
    );
    // A branch of `any_of` that asks for an asset is a condition all the same.
    let rule =
        "emit = [\"binance:DOGEUSDT\"]\nany_of = [{ any = [\"doge\"] }, { assets = { tokens = true } }]";
    check(rule, &[(0.0, r#"content "text":"x""#)], &[]);
    let opened = &["0 open cex:binance:DOGEUSDT content", "5 cancel cex:binance:DOGEUSDT meta unnamed"];
    check(rule, &[(0.0, r#"content "text":"$AB""#), (5.0, "meta")], opened);
}

#[test]
fn a_ticker_becomes_the_token_of_its_symbol() {
    let content = (0.0, r#"content "text":"$EDGE""#);
    let open = "0 open ticker:EDGE content";
    let with = |list: &str, expect: &str| {
        check(TOKENS, &[content, (9.0, &tokens(list))], &[open, expect]);
    };
    with(r#"{"symbol":"edge","contract":"C","chain":"s"}"#, "9 revise token:s:C meta was ticker:EDGE");
    with(r#"{"symbol":"EDGE"}"#, "9 confirm token:EDGE meta");
    with("", "9 cancel ticker:EDGE meta unnamed");
    with(
        r#"{"symbol":"EDGE","contract":"C"},{"symbol":"EDGE","contract":"D"}"#,
        "9 cancel ticker:EDGE meta ambiguous",
    );
    // Confirmed by symbol, resolved by a later frame; never confirmed twice.
    check(
        TOKENS,
        &[
            content,
            (9.0, &tokens(r#"{"symbol":"EDGE"}"#)),
            (10.0, r#"meta "ocr":{"text":"x"}"#),
            (11.0, &tokens(r#"{"symbol":"EDGE","contract":"C"}"#)),
            (12.0, &tokens(r#"{"symbol":"EDGE","contract":"D"}"#)),
            (13.0, "delete"),
        ],
        &[
            open,
            "9 confirm token:EDGE meta",
            "11 revise token:-:C meta was token:EDGE",
            "12 cancel token:-:C meta ambiguous",
        ],
    );
}

#[test]
fn a_ticker_becomes_a_market_only_if_no_token_passes() {
    let rule = "assets = { tokens = true, cex = true }";
    let content = (0.0, r#"content "text":"$EDGE""#);
    let cex = r#""cex":[{"exchange":"okx","symbol":"EDGEUSDT"},{"exchange":"bybit","symbol":"EDGEUSDC"},{"exchange":"binance","baseAsset":"EDGE","quoteAsset":"USDT"}]"#;
    check(
        rule,
        &[content, (9.0, &meta(cex))],
        &[
            "0 open ticker:EDGE content",
            "9 revise cex:bybit:EDGEUSDC meta was ticker:EDGE",
            "9 open cex:binance:EDGEUSDT meta",
        ],
    );
    check(
        rule,
        &[content, (9.0, &meta(&format!(r#""tokens":[{{"symbol":"EDGE","contract":"C"}}],{cex}"#)))],
        &[
            "0 open ticker:EDGE content",
            "9 revise token:-:C meta was ticker:EDGE",
            "9 open cex:bybit:EDGEUSDC meta",
            "9 open cex:binance:EDGEUSDT meta",
        ],
    );
    // A rule without `cex` does not follow it there.
    check(
        TOKENS,
        &[content, (9.0, &meta(cex))],
        &["0 open ticker:EDGE content", "9 cancel ticker:EDGE meta unnamed"],
    );
}

#[test]
fn an_ambiguous_symbol_is_nobodys_but_a_market_is_what_it_is() {
    let rule = "assets = { tokens = true, cex = true }\n[[alias]]\nterms = [\"edge\"]\nmarket = \"binance:EDGEUSDT\"";
    let two = r#""tokens":[{"symbol":"EDGE","contract":"C"},{"symbol":"EDGE","contract":"D"}]"#;
    check(
        rule,
        &[(0.0, r#"content "text":"edge""#), (9.0, &meta(two))],
        &["0 open cex:binance:EDGEUSDT content", "9 confirm cex:binance:EDGEUSDT meta"],
    );
    // The ticker does not become the market either, though no token passes.
    let cex = format!(r#"{two},"cex":[{{"exchange":"bybit","symbol":"EDGEUSDT"}}]"#);
    check(
        "assets = { tokens = true, cex = true }",
        &[(0.0, r#"content "text":"$EDGE""#), (9.0, &meta(&cex))],
        &["0 open ticker:EDGE content", "9 cancel ticker:EDGE meta ambiguous"],
    );
}

#[test]
fn an_address_becomes_the_token_of_that_contract() {
    let rule = "assets = { tokens = true, addresses = true }";
    let content = format!(r#"content "text":"CA {EVM}""#);
    let token = tokens(&format!(r#"{{"symbol":"P","contract":"{EVM}","chain":"eth"}}"#));
    let (open, confirm) =
        (format!("0 open address:{EVM} content"), format!("9 confirm token:eth:{EVM} meta"));
    check(rule, &[(0.0, &content), (9.0, &token)], &[&open, &confirm]);
    // Not named, it stays one; named later, its identity is resolved then.
    let confirm = format!("5 confirm address:{EVM} meta");
    let revise = format!("9 revise token:eth:{EVM} meta was address:{EVM}");
    check(rule, &[(0.0, &content), (5.0, "meta"), (9.0, &token)], &[&open, &confirm, &revise]);
}

#[test]
fn a_branch_without_asset_opens_null_and_becomes_the_first_asset_later() {
    let rule = "any_of = [{ any = [\"watch\"] }, { assets = { tokens = true } }]";
    let both = tokens(r#"{"symbol":"A","contract":"C"},{"symbol":"B","contract":"D"}"#);
    check(rule, &[(0.0, r#"content "text":"watch""#)], &["0 open - content", "3000 lapse - timeout"]);
    check(
        rule,
        &[(0.0, r#"content "text":"watch""#), (5.0, &both), (6.0, "delete")],
        &[
            "0 open - content",
            "5 revise token:-:C meta was -",
            "5 open token:-:D meta",
            "6 cancel token:-:C delete deleted",
            "6 cancel token:-:D delete deleted",
        ],
    );
    // Confirmed first, it may still become an asset.
    check(
        rule,
        &[(0.0, r#"content "text":"watch""#), (5.0, "meta"), (6.0, &both)],
        &["0 open - content", "5 confirm - meta", "6 revise token:-:C meta was -", "6 open token:-:D meta"],
    );
    // If an asset branch passes at once, only its assets open.
    check(
        rule,
        &[(0.0, r#"content "text":"watch $AB""#)],
        &["0 open ticker:AB content", "3000 lapse ticker:AB timeout"],
    );
    check(rule, &[(0.0, r#"content "text":"x""#)], &[]);
    // Neither branch holds any more.
    check(
        rule,
        &[(0.0, r#"content "text":"watch""#), (1.0, r#"update "text":"x""#)],
        &["0 open - content", "1 cancel - update no_match"],
    );
}

#[test]
fn a_rule_without_assets_stays_null() {
    check(
        "",
        &[
            (0.0, r#"content "text":"$AB""#),
            (5.0, &tokens(r#"{"symbol":"AB","contract":"C"}"#)),
            (6.0, "meta \"ocr\":{}"),
        ],
        &["0 open - content", "5 confirm - meta"],
    );
}

#[test]
fn the_sample_rule_of_the_vendor() {
    let rule = "any_of = [{ any = [\"listing\"], in = [\"text\", \"ocr\"], match = \"substring\" }, \
                { assets = { tokens = true } }]";
    opens(rule, &[(0.0, r#"content "text":"NEW LISTINGS""#)], true);
    opens(rule, &[(0.0, "content"), (1.0, r#"meta "ocr":{"text":"Listing soon"}"#)], true);
    opens(rule, &[(0.0, "content"), (1.0, &tokens(r#"{"symbol":"AB"}"#))], true);
    opens(rule, &[(0.0, "content"), (1.0, "meta")], false);
}

#[test]
fn evidence_sources_and_price() {
    let rule = "assets = { tokens = true, cex = true, addresses = true, prediction = true }";
    for (text, enrichment, evidence, sources, price) in [
        ("$AB", "", Evidence::Ticker, vec!["local"], None),
        (SOLANA, "", Evidence::Address, vec!["local"], None),
        ("", r#""tokens":[{"symbol":"AB","sources":["text"]}]"#, Evidence::Ticker, vec!["text"], None),
        (
            "",
            r#""tokens":[{"contract":"C","priceUsd":0.0042,"sources":["text","ocr"]}]"#,
            Evidence::Contract,
            vec!["text", "ocr"],
            Some("0.0042"),
        ),
        (
            "",
            r#""tokens":[{"contract":"C","priceUsd":1e-12,"sources":["ocr"]}]"#,
            Evidence::OcrOnly,
            vec!["ocr"],
            Some("0.000000000001"),
        ),
        ("", r#""tokens":[{"contract":"C","sources":[]}]"#, Evidence::Contract, vec![], None),
        ("", r#""cex":[{"exchange":"bybit","symbol":"ABUSDT"}]"#, Evidence::Market, vec![], None),
        (
            "",
            r#""prediction":[{"exchange":"kalshi","marketId":"M","priceUsd":1}]"#,
            Evidence::Market,
            vec![],
            Some("1"),
        ),
    ] {
        let mut run = Run::new(&rules_of(rule), Bounds::default());
        if !enrichment.is_empty() {
            run.put((0.0, &meta(enrichment)));
        }
        run.put((1.0, &format!(r#"content "text":"{text}""#)));
        let decision = &run.decisions[0];
        let asset = decision.asset.as_ref().expect("an asset");
        assert_eq!(
            (decision.evidence, &asset.sources),
            (Some(evidence), &sources.iter().map(ToString::to_string).collect())
        );
        assert_eq!(decision.ref_price.map(|price| price.value.to_string()).as_deref(), price);
        assert!(decision.ref_price.is_none_or(|price| price.seen_ns == super::ZERO_MS * 1_000_000));
    }
    let mut run = Run::new(&rules_of("emit = [\"binance:DOGEUSDT\"]"), Bounds::default());
    run.put((0.0, "content"));
    let asset = run.decisions[0].asset.clone().expect("an asset");
    assert_eq!(
        (run.decisions[0].evidence, asset.sources, asset.symbol),
        (Some(Evidence::Rule), vec!["rule".to_owned()], Some("DOGE".to_owned()))
    );
}
