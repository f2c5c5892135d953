//! `universe`: files are checked, and built from the lists of exchanges.

use crate::desk::{Desk, fixture};
use crate::driver::{Finished, stoop};

/// Every symbol list among the fixtures.
const LISTS: [&str; 10] = [
    "binance-spot.json",
    "binance-usdm.json",
    "binance-coinm.json",
    "bybit-spot.json",
    "bybit-linear.json",
    "gate-spot.json",
    "gate-futures.json",
    "okx.json",
    "hyperliquid-meta.json",
    "hyperliquid-spot.json",
];

fn list(name: &str) -> String {
    fixture(&format!("universe/{name}"))
}

fn build(files: &[&str], output: &str) -> Finished {
    stoop(&[&["universe", "build"], files, &["-o", output]].concat()).finish()
}

/// The rows that a list alone makes, without header and comments.
fn rows_of(desk: &Desk, name: &str) -> Vec<String> {
    let output = desk.name(&format!("{name}.csv"));
    build(&[&list(name)], &output).expect(0);
    let text = std::fs::read_to_string(output).expect("the file was written");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("symbol,"));
    rows.map(str::to_owned).collect()
}

#[test]
fn check_counts_what_is_in_a_file_and_names_every_bad_row() {
    let desk = Desk::new();
    let good = desk.file(
        "good.csv",
        "# mine\nsymbol,venue,market,contract,chain\nEDGE,gateio,EDGE_USDT,,\nEDGE,binance,EDGEUSDT,,\n\
         FOO,gateio,FOO_USDT,EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm,solana\n",
    );
    let run = stoop(&["universe", "check", &good]).finish().expect(0);
    let expect = format!("{good}: 3 rows, 2 symbols, 2 venues (binance 1, gateio 2), 1 contract, no mistake");
    assert_eq!(run.stdout, [expect]);

    let bad = desk.file("bad.csv", "symbol,venue,market\n,okx,A\nFOO,okx,B\nFOO,okx,B\nFOO,,C\n");
    let run = stoop(&["universe", "check", &good, &bad]).finish().expect(78);
    assert_eq!(run.stdout.len(), 1, "the good one is counted all the same");
    let expect = [
        format!("{bad}:2:1: `symbol` is empty"),
        format!("{bad}:4:1: `B` of okx stands on line 3 already"),
        format!("{bad}:5:5: `venue` is empty"),
    ];
    assert_eq!(run.stderr, expect);
    let missing = desk.name("missing.csv");
    let run = stoop(&["universe", "check", &missing]).finish().expect(78);
    assert!(run.errors().contains(&missing), "{}", run.errors());
    stoop(&["universe", "check"]).finish().expect(2);
}

#[test]
fn each_list_gives_its_markets_that_trade_under_the_symbol_of_their_coin() {
    let desk = Desk::new();
    for (name, expect) in [
        (
            "binance-spot.json",
            &[
                "1STEP,binance,1STEPUSDT",
                "EDGE,binance,EDGETRY",
                "EDGE,binance,EDGEUSDT",
                "GRAIN,binance,1000GRAINUSDT",
                "PEBBLE,binance,1MPEBBLEUSDT",
                "纸鸢,binance,纸鸢USDT",
            ][..],
        ),
        (
            "binance-usdm.json",
            &[
                "1000TWIN,binance,1000TWINUSDT",
                "EDGE,binance,EDGEUSDT",
                "EDGE,binance,EDGEUSDT_261225",
                "GRAIN,binance,1000000GRAINUSDT",
                "TWIN,binance,TWINUSDT",
            ],
        ),
        ("binance-coinm.json", &["EDGE,binance,EDGEUSD_261225", "EDGE,binance,EDGEUSD_PERP"]),
        ("bybit-spot.json", &["EDGE,bybit,EDGEUSDT"]),
        (
            "bybit-linear.json",
            &["EDGE,bybit,EDGEUSDT", "GRAIN,bybit,1000GRAINUSDT", "PEBBLE,bybit,PEBBLE1000USDT"],
        ),
        (
            "gate-spot.json",
            &[
                "1STEP,gateio,1STEP_USDT",
                "EDGE,gateio,EDGE_USDT",
                "FOR5L,gateio,FOR5L_USDT",
                "GRAIN,gateio,GRAIN_USDT",
            ],
        ),
        ("gate-futures.json", &["EDGE,gateio,EDGE_USDT", "PEBBLE,gateio,PEBBLE_USDT"]),
        (
            "okx.json",
            &[
                "EDGE,okx,EDGE-USD-SWAP",
                "EDGE,okx,EDGE-USDT",
                "EDGE,okx,EDGE-USDT-SWAP",
                "GRAIN,okx,GRAIN-USD-270326",
            ],
        ),
        ("hyperliquid-meta.json", &["EDGE,hyperliquid,EDGE", "GRAIN,hyperliquid,kGRAIN"]),
        (
            "hyperliquid-spot.json",
            &[
                "EDGE,hyperliquid,EDGE/USDC,,",
                "PEBBLE,hyperliquid,@21,0x5d1c0c2b8f4a7e6d3b9a8f7e6d5c4b3a29180706,hyperevm",
            ],
        ),
    ] {
        assert_eq!(rows_of(&desk, name), expect, "{name}");
    }
}

#[test]
fn all_lists_together_make_one_file_that_is_the_same_each_time() {
    let desk = Desk::new();
    let lists = LISTS.map(list);
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let [first, second] = ["first.csv", "second.csv"].map(|name| desk.name(name));
    let run = build(&lists, &first).expect(0);
    assert!(run.errors().contains("is one page of several"), "{}", run.errors());
    build(&lists, &second).expect(0);
    let text = std::fs::read_to_string(&first).unwrap();
    assert_eq!(text, std::fs::read_to_string(&second).unwrap());
    for part in [
        "# binance spot: 6 markets, 2 that do not trade left out\n",
        // EDGEUSDT is the name of the spot market too.
        "# binance USD-M futures: 4 markets, 1 counted already (spot and futures of one name are one row), \
         1 that do not trade left out, 2 that are not of coins left out\n",
        "# gateio spot: 4 markets, 2 that do not trade left out, 2 that are not of coins left out\n",
        "symbol,venue,market,contract,chain\n1000TWIN,",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let told = stoop(&["universe", "check", &first]).finish().expect(0).stdout;
    let expect = "28 rows, 8 symbols, 5 venues (binance 12, bybit 3, gateio 5, hyperliquid 4, okx 4), \
        1 contract, no mistake";
    assert!(told[0].contains(expect), "{told:?}");

    let run = build(&lists, &first).expect(73);
    let expect = format!("{first} exists: nothing is overwritten; name another file with -o FILE");
    assert!(run.errors().contains(&expect), "{}", run.errors());
    let run = build(&lists, "-").expect(0);
    assert_eq!(run.stdout.join("\n"), text.trim_end(), "- is stdout");
    assert_eq!(text, std::fs::read_to_string(&first).unwrap(), "it is left alone");
}

#[test]
fn a_list_is_known_by_its_content_however_it_comes() {
    let desk = Desk::new();
    let expect = rows_of(&desk, "gate-spot.json");
    let text = std::fs::read_to_string(list("gate-spot.json")).unwrap();
    let line: String = text.lines().map(str::trim).collect();
    let gz = desk.frames("binance.json.gz", &[line.clone().into_bytes()]);
    let zst = desk.frames("okx.zst", &[line.clone().into_bytes()]);
    let bom = desk.file("bom.txt", format!("\u{feff}{text}"));
    let meta = std::fs::read_to_string(list("hyperliquid-meta.json")).unwrap();
    let with_prices = desk.file("prices.json", format!("[{meta},[{{\"funding\":\"0.1\"}}]]"));
    for (number, file) in [&gz, &zst, &bom].into_iter().enumerate() {
        let output = desk.name(&format!("{number}.csv"));
        build(&[file], &output).expect(0);
        let made = std::fs::read_to_string(output).unwrap();
        assert!(made.ends_with(&format!("{}\n", expect.join("\n"))), "{file}: {made}");
    }
    build(&[&with_prices], &desk.name("prices.csv")).expect(0);
    let output = desk.name("stdin.csv");
    stoop(&["universe", "build", "-", "-o", &output]).stdin(line.into_bytes()).finish().expect(0);
    assert!(std::fs::read_to_string(output).unwrap().contains("FOR5L_USDT"));
}

#[test]
fn what_is_wrong_with_a_list_is_told_with_its_place_and_nothing_is_written() {
    let desk = Desk::new();
    let gate = |rows: &str| {
        format!(
            "[\n{{\"id\":\"A_USDT\",\"base\":\"A\",\"quote\":\"USDT\",\"trade_status\":\"tradable\"}},\n{rows}]"
        )
    };
    let binance = |row: &str| format!("{{\"symbols\":[\n  {row}]}}");
    let unknown = "this is not a symbol list of a known exchange";
    let output = desk.name("universe.csv");
    for (text, expect) in [
        (String::new(), "list.json:1:1: this is not JSON; it is empty: save the list again".to_owned()),
        (
            "\n<html><body>Not here</body></html>".to_owned(),
            "list.json:2:1: this is not JSON; it begins \"<html><body>Not here\"…: save the list again, from the \
             address that `stoop universe build --help` gives"
                .to_owned(),
        ),
        ("[1,\n 2,,]".to_owned(), "list.json:2:4: expected value".to_owned()),
        ("[]".to_owned(), format!("list.json:1:1: {unknown}")),
        ("{\"symbols\":[]}".to_owned(), format!("list.json:1:1: {unknown}")),
        ("{\"a\":1}".to_owned(), format!("list.json:1:1: {unknown}")),
        ("\"x\"".to_owned(), format!("list.json:1:1: {unknown}")),
        (
            "{\"code\":-1003,\"msg\":\"Too many requests\"}".to_owned(),
            "list.json:1:1: this is not a list but an answer that says \"Too many requests\"".to_owned(),
        ),
        (
            "{\"retCode\":10001,\"retMsg\":\"category is missing\",\"result\":{}}".to_owned(),
            "list.json:1:1: this is not a list but an answer that says \"category is missing\"".to_owned(),
        ),
        (gate("{\"id\":\"B_USDT\",\"base\":7}"), "list.json:3:23: invalid type: integer `7`".to_owned()),
        (gate("{\"id\":\"B_USDT\"}"), "list.json:3:15: missing field `base`".to_owned()),
        (
            gate("\n{\"id\":\"B_USDT\",\"base\":\"\",\"trade_status\":\"tradable\"}"),
            "list.json:4:1: `symbol` is empty".to_owned(),
        ),
        (
            gate("{\"id\":\"B_USDT\",\"base\":\"B\u{200b}\",\"trade_status\":\"tradable\"}"),
            "list.json:3:1: `symbol` is \"B\\u{200b}\"".to_owned(),
        ),
        (
            binance(
                "{\"symbol\":\"ausdt\",\"baseAsset\":\"a\",\"quoteAsset\":\"usdt\",\"status\":\"trading\"}",
            ),
            "list.json:2:3: Binance has no status \"trading\": is this the list of another exchange?"
                .to_owned(),
        ),
        (
            binance(
                "{\"symbol\":\"AUSDT\",\"baseAsset\":\"A\",\"quoteAsset\":\"USDT\",\"status\":\"BREAK\"}",
            ),
            "no market in these lists trades".to_owned(),
        ),
    ] {
        let file = desk.file("list.json", &text);
        let run = build(&[&file], &output).expect(78);
        assert!(run.errors().contains(&expect), "{expect}\n{}", run.errors());
        assert!(!desk.path("universe.csv").exists(), "{text}");
    }
    let two = gate("{\"id\":1},\n{\"id\":\"B_USDT\"}");
    let run = build(&[&desk.file("list.json", two)], &output).expect(78);
    assert!(
        run.errors().contains("list.json:3:7: ") && run.errors().contains("list.json:4:15: "),
        "{}",
        run.errors()
    );
    let run = build(&[&desk.file("list.json", b"[\xff]")], &output).expect(78);
    assert!(run.errors().contains("list.json:1:1: a symbol list is JSON in UTF-8"), "{}", run.errors());
    build(&[&desk.name("missing.json")], &output).expect(1);
    build(&[&desk.file("torn.json.gz", std::fs::read(list("okx.json")).unwrap())], &output).expect(1);
    assert!(!desk.path("universe.csv").exists());
    stoop(&["universe", "build", "-o", &output]).finish().expect(2);
    stoop(&["universe", "build", &list("okx.json")]).finish().expect(2);
}

#[test]
fn the_help_says_where_lists_come_from() {
    let help = stoop(&["universe", "build", "--help"]).finish().expect(0).stdout.join("\n");
    for part in
        ["https://api.binance.com/api/v3/exchangeInfo", "currency_pairs", "Nothing is downloaded", "73"]
    {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
}
