//! Each form by a table: what is a coin, and what only looks like one.

use super::*;

/// A universe with symbols of every shape that only counts where it is listed, and with words of the lists.
fn universe() -> Universe {
    let rows = "symbol,venue,market\n\
        EDGE,binance,EDGEUSDT\nEDGE,gateio,EDGE_USDT\nEDGE,okx,EDGE-USDT-SWAP\n\
        W,binance,WUSDT\n1INCH,binance,1INCHUSDT\nPEPE,binance,1000PEPEUSDT\nABCDEFGHIJKL,binance,ABCDEFGHIJKLUSDT\n\
        NFT,gateio,NFT_USDT\nGMT,binance,GMTUSDT\nBTC,binance,BTCUSD_PERP\nBTC,binance,BTCUSDT\nUSDC,binance,USDCUSDT\n\
        XB,gateio,XB_USDT\nX,gateio,X_USDT\nQ,gateio,Q_USDT\nMOON,gateio,MOON_USDT\n10K,gateio,10K_USDT\n\
        HYPE,hyperliquid,HYPE\nABCDEFGHIJKLMNOPQ,gateio,ABCDEFGHIJKLMNOPQ_USDT\nMOON,hyperliquid,MOON/USDC\n";
    Universe::parse("universe.csv", rows).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// What is found in the text by one form: symbols in capitals, each once.
fn found(text: &str, form: Form, universe: Option<&Universe>) -> Vec<String> {
    let mut symbols: Vec<String> = Vec::new();
    let sought = Sought { text: Forms::NONE.with(form), first_line: Forms::NONE };
    let first_line_len = text.find('\n').unwrap_or(text.len());
    Scan::new(text, universe).run(first_line_len, sought, |found| {
        let counts = found.forms.contains(form) && (form != Form::Capitals || found.capitals[0]);
        let symbol = found.symbol.to_ascii_uppercase();
        if counts && !(is_money(&symbol) && form != Form::Ticker) && !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    });
    symbols
}

/// Each text with what is found in it without a universe, and with one.
#[track_caller]
fn check(form: Form, cases: &[(&str, &[&str], &[&str])]) {
    let universe = universe();
    let misses = cases.iter().filter(|(_, without, _)| without.is_empty()).count();
    assert!(cases.len() >= 30 && misses * 2 >= cases.len(), "{misses} of {} must not match", cases.len());
    for (text, without, with) in cases {
        assert_eq!(found(text, form, None), *without, "{text:?} without a universe");
        assert_eq!(found(text, form, Some(&universe)), *with, "{text:?} with a universe");
    }
}

#[test]
fn tickers() {
    check(
        Form::Ticker,
        &[
            ("$EDGE", &["EDGE"], &["EDGE"]),
            ("$EDGE and $doge2!", &["EDGE", "DOGE2"], &["EDGE", "DOGE2"]),
            ("($EDGE) [$FOO] \"$BAR\"", &["EDGE", "FOO", "BAR"], &["EDGE", "FOO", "BAR"]),
            ("$EDGE's", &["EDGE"], &["EDGE"]),
            ("$EDGE.", &["EDGE"], &["EDGE"]),
            ("$SOL.5", &["SOL"], &["SOL"]),
            ("$SP...", &["SP"], &["SP"]),
            ("$SP… more", &["SP"], &["SP"]),
            ("$BTC-USD", &["BTC"], &["BTC"]),
            ("$EDGE/USDT", &["EDGE"], &["EDGE"]),
            ("买$EDGE吧", &["EDGE"], &["EDGE"]),
            ("매수$EDGE를", &["EDGE"], &["EDGE"]),
            ("🚀$EDGE🚀", &["EDGE"], &["EDGE"]),
            ("$ABCDEFGHIJ", &["ABCDEFGHIJ"], &["ABCDEFGHIJ"]),
            ("$USDC", &["USDC"], &["USDC"]),
            ("$100", &[], &[]),
            ("$10K", &[], &["10K"]),
            ("$T", &[], &[]),
            ("$W", &[], &["W"]),
            ("$1INCH", &[], &["1INCH"]),
            ("$1inch", &[], &["1INCH"]),
            ("$2Z", &[], &[]),
            ("$ABCDEFGHIJK", &[], &[]),
            ("$ABCDEFGHIJKL", &[], &["ABCDEFGHIJKL"]),
            ("$_A", &[], &[]),
            ("$BRK.B", &[], &[]),
            ("$SP…", &[], &[]),
            ("$SP… \n ", &[], &[]),
            ("$SP……", &[], &[]),
            ("$PEPE$WIF", &[], &[]),
            ("$$BTC", &[], &[]),
            ("a$BTC", &[], &[]),
            ("é$BTC", &[], &[]),
            ("5$BTC", &[], &[]),
            ("_$BTC", &[], &[]),
            ("$BTC_", &[], &[]),
            ("$EDGEИ", &[], &[]),
            ("$EDGÉ", &[], &[]),
            ("$ÉDGE", &[], &[]),
            ("$EDGE\u{20e3}", &[], &[]),
            ("$ EDGE", &[], &[]),
            ("$", &[], &[]),
            ("EDGE", &[], &[]),
        ],
    );
}

#[test]
fn pairs() {
    check(
        Form::Pair,
        &[
            ("EDGE/USDT", &["EDGE"], &["EDGE"]),
            ("EDGE-USDC EDGE_FDUSD", &["EDGE"], &["EDGE"]),
            ("FOO/BTC FOO/ETH FOO/BNB", &["FOO"], &["FOO"]),
            ("FOO/EUR, BAR/TRY & BAZ/KRW", &["FOO", "BAR", "BAZ"], &["FOO", "BAR", "BAZ"]),
            ("T/USDT", &["T"], &["T"]),
            ("1FOO/USDT", &["1FOO"], &["1FOO"]),
            ("KRW-EDGE", &["EDGE"], &["EDGE"]),
            ("KRW-BTC", &["BTC"], &["BTC"]),
            ("FOO-USDT-SWAP", &["FOO"], &["FOO"]),
            ("FOOUSDT BARUSDC BAZFDUSD", &["FOO", "BAR", "BAZ"], &["FOO", "BAR", "BAZ"]),
            ("FOOUSDT/BARUSDT/BAZUSDT", &["FOO", "BAR", "BAZ"], &["FOO", "BAR", "BAZ"]),
            ("FOOUSDT_250926", &["FOO"], &["FOO"]),
            ("1000PEPEUSDT", &["1000PEPE"], &["PEPE"]),
            ("1000PEPE/USDT", &["1000PEPE"], &["PEPE"]),
            ("EDGEUSDT", &["EDGE"], &["EDGE"]),
            ("(EDGE/USDT)", &["EDGE"], &["EDGE"]),
            ("上线EDGE/USDT交易", &["EDGE"], &["EDGE"]),
            ("FOO/USDT…", &[], &[]),
            ("FOOUSDT… ", &[], &[]),
            ("BTCUSD_PERP", &[], &["BTC"]),
            ("EDGEUSD", &[], &["EDGE"]),
            ("EDGEBUSD", &[], &["EDGE"]),
            ("XBUSD", &[], &["XB"]),
            ("MOONTUSD", &[], &["MOON"]),
            ("FOOUSD FOOBUSD", &[], &[]),
            ("edge/usdt EDGE/usdt edgeUSDT", &[], &[]),
            ("FOO/BAR/USDT", &[], &[]),
            ("FOO/USDT/BTC", &[], &[]),
            ("KRW/EDGE KRW_EDGE", &[], &[]),
            ("FOO/SOL", &[], &[]),
            ("100/USDT", &[], &[]),
            ("100USDT", &[], &[]),
            ("5MUSDT", &[], &[]),
            ("10KUSDT", &[], &["10K"]),
            ("FUSDT", &[], &[]),
            ("USDT", &[], &[]),
            ("USDC/USDT", &[], &[]),
            ("USDCUSDT", &[], &[]),
            ("EUR/USD", &[], &[]),
            ("NFT/USDT", &[], &["NFT"]),
            ("10:00 UTC/USD", &[], &[]),
            ("EDGE / USDT", &[], &[]),
            ("ABCDEFGHIJKLMNOP/USDT", &[], &[]),
            ("FOO//USDT", &[], &[]),
            ("FOO.USDT", &[], &[]),
            ("PYUSD BFUSD", &[], &[]),
            ("HYPE", &[], &[]),
            ("FOO-USDT-SWAP/BTC-USDT-SWAP/BAR-USDT-SWAP", &["FOO", "BTC", "BAR"], &["FOO", "BTC", "BAR"]),
            ("FOO_PERP/BTC_PERP", &[], &[]),
            ("Spot-FOO/USDT", &["FOO"], &["FOO"]),
            ("10:00 GMT/USDT, 10:00 GMTUSDT", &[], &[]),
        ],
    );
}

#[test]
fn parentheses() {
    check(
        Form::Parentheses,
        &[
            ("Will List Edge (EDGE)", &["EDGE"], &["EDGE"]),
            ("Edge ($EDGE)", &["EDGE"], &["EDGE"]),
            ("엣지(EDGE) 신규 거래지원", &["EDGE"], &["EDGE"]),
            ("Foo (FOO) and Bar (BAR)", &["FOO", "BAR"], &["FOO", "BAR"]),
            ("(1FOO)", &["1FOO"], &["1FOO"]),
            ("(1000CHEEMS)", &["1000CHEEMS"], &["1000CHEEMS"]),
            ("((EDGE))", &["EDGE"], &["EDGE"]),
            ("(EDGE).", &["EDGE"], &["EDGE"]),
            ("(EDGE)… more", &["EDGE"], &["EDGE"]),
            ("(AB)", &["AB"], &["AB"]),
            ("x(EDGE)x", &["EDGE"], &["EDGE"]),
            ("(ABCDEFGHIJ)", &["ABCDEFGHIJ"], &["ABCDEFGHIJ"]),
            ("(BTC) (ETH)", &["BTC", "ETH"], &["BTC", "ETH"]),
            ("(GMTX)", &["GMTX"], &["GMTX"]),
            ("(W)", &[], &["W"]),
            ("(T)", &[], &[]),
            ("(ABCDEFGHIJKL)", &[], &["ABCDEFGHIJKL"]),
            ("(ABCDEFGHIJKLM)", &[], &[]),
            ("(NFT)", &[], &["NFT"]),
            ("(ETF)", &[], &[]),
            ("(GMT)", &[], &["GMT"]),
            ("at 10:00 (GMT)", &[], &[]),
            ("at 8 PM (GMT)", &[], &[]),
            ("at 11:59 P.M. (GMT)", &[], &[]),
            ("Win:20 (GMT)", &[], &["GMT"]),
            ("(FOOUSDT) (10KUSDT)", &[], &[]),
            ("(UTC)", &[], &[]),
            ("(2025)", &[], &[]),
            ("(edge)", &[], &[]),
            ("(Edge)", &[], &[]),
            ("( EDGE )", &[], &[]),
            ("(EDGE, FOO)", &[], &[]),
            ("(EDGE/USDT)", &[], &[]),
            ("(EDGE", &[], &[]),
            ("EDGE)", &[], &[]),
            ("[EDGE]", &[], &[]),
            ("(EDGE)…", &[], &[]),
            ("(USDC)", &[], &[]),
            ("(KRW)", &[], &[]),
            ("(USD1) (FDUSD) (RLUSD)", &[], &[]),
            ("(#EDGE)", &[], &[]),
            ("(24H) (10AM) (100USDT)", &[], &[]),
            ("(10K)", &[], &["10K"]),
            ("($$EDGE)", &[], &[]),
        ],
    );
}

#[test]
fn listed() {
    check(
        Form::Listed,
        &[
            ("Will list EDGE today", &[], &["EDGE"]),
            ("#edge #EDGE #Edge", &[], &["EDGE"]),
            ("#w", &[], &["W"]),
            ("EDGE, MOON", &[], &["EDGE", "MOON"]),
            ("신규 거래지원 안내 (EDGE, MOON)", &[], &["EDGE", "MOON"]),
            ("$EDGE", &[], &["EDGE"]),
            ("(EDGE)", &[], &["EDGE"]),
            ("EDGE/USDT", &[], &["EDGE"]),
            ("EDGE-based", &[], &["EDGE"]),
            ("上线EDGE交易", &[], &["EDGE"]),
            ("1INCH", &[], &["1INCH"]),
            ("NFT", &[], &["NFT"]),
            ("GMT to the", &[], &["GMT"]),
            ("ALL CAPITALS EDGE", &[], &["EDGE"]),
            ("FOO/BTC", &[], &[]),
            ("edge", &[], &[]),
            ("Edge", &[], &[]),
            ("W", &[], &[]),
            ("FOO", &[], &[]),
            ("#foo", &[], &[]),
            ("EDGES", &[], &[]),
            ("EDGE_", &[], &[]),
            ("éEDGE", &[], &[]),
            ("EDGEИ", &[], &[]),
            ("EDGE…", &[], &[]),
            ("#edge…", &[], &[]),
            ("#edge_news", &[], &[]),
            ("a#edge", &[], &[]),
            ("10:00 GMT", &[], &[]),
            ("10:00 am GMT", &[], &[]),
            ("8PM GMT", &[], &[]),
            ("8 p.m. GMT, 10am. GMT, 10:00:00 GMT", &[], &[]),
            ("Prize:500 GMT", &[], &["GMT"]),
            ("10,000:1 GMT", &[], &["GMT"]),
            ("at 10:00\nGMT", &[], &["GMT"]),
            ("API/BTC 5K/BTC UTC/BTC", &[], &[]),
            ("#ABCDEFGHIJKLMNOPQ", &[], &["ABCDEFGHIJKLMNOPQ"]),
            ("USDC", &[], &[]),
            ("EDGE/BTC", &[], &["EDGE"]),
            ("UTC", &[], &[]),
            ("1000PEPE", &[], &[]),
        ],
    );
}

#[test]
fn capitals() {
    check(
        Form::Capitals,
        &[
            ("Will Delist EDGE, FOO, BAR", &["EDGE", "FOO", "BAR"], &["EDGE", "FOO", "BAR"]),
            ("lists FUN", &["FUN"], &["FUN"]),
            ("lists FUN.", &["FUN"], &["FUN"]),
            ("$EDGE is", &["EDGE"], &["EDGE"]),
            ("(EDGE) is", &["EDGE"], &["EDGE"]),
            ("#EDGE is", &["EDGE"], &["EDGE"]),
            ("about 1INCH", &["1INCH"], &["1INCH"]),
            ("about 1000SATS", &["1000SATS"], &["1000SATS"]),
            ("EDGE's price", &["EDGE"], &["EDGE"]),
            ("“EDGE” is", &["EDGE"], &["EDGE"]),
            ("is EDGE\nnow", &["EDGE"], &["EDGE"]),
            ("EDGE: live", &["EDGE"], &["EDGE"]),
            ("и EDGE", &["EDGE"], &["EDGE"]),
            ("A EDGE", &[], &[]),
            ("WILL DELIST EDGE", &[], &[]),
            ("신규 EDGE 안내", &[], &[]),
            ("about BTC, ETH and BNB", &[], &[]),
            ("about EDGE/USDT", &[], &[]),
            ("about FOO/BAR", &[], &[]),
            ("about EDGEUSDT", &[], &[]),
            ("about FOOUSD and FOOBUSD", &[], &[]),
            ("at 9AM PT or ET", &[], &[]),
            ("share 10KUSDT, 5MUSDT, NFTUSDT, APIUSDC or FUSDT", &[], &[]),
            ("about EDGE-USD", &[], &[]),
            ("an EDGE-based coin", &[], &[]),
            ("an _EDGE", &[], &[]),
            ("上线EDGE now", &[], &[]),
            ("aEDGE now", &[], &[]),
            ("at 10AM or 24HRS", &[], &[]),
            ("at 10 AM", &[], &[]),
            ("win 100USDT or 5BTC", &[], &[]),
            ("the 5TH of 100MB", &[], &[]),
            ("a 2Z or 0G", &[], &[]),
            ("an X or A1", &[], &[]),
            ("the NFT", &[], &["NFT"]),
            ("the ETF, a DEX", &[], &[]),
            ("at 10:00 UTC", &[], &[]),
            ("of USDC", &[], &[]),
            ("about ABCDEFGHIJK", &[], &[]),
            ("cut EDGE…", &[], &[]),
        ],
    );
}

#[test]
fn the_lists_are_sorted_and_hold_no_word_twice() {
    let lists: [&[&str]; 6] =
        [&lists::MONEY, &lists::ZONES, &lists::WORDS, &lists::UNITS, &lists::MAJORS, &lists::QUOTES];
    for list in lists {
        assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
    }
}

#[test]
fn the_first_line_and_the_rest_are_told_apart() {
    let text = "Edge (EDGE)\nof FOO (BAR)";
    let sought =
        Sought { text: Forms::NONE.with(Form::Capitals), first_line: Forms::NONE.with(Form::Parentheses) };
    let mut all = Vec::new();
    Scan::new(text, None).run(11, sought, |found| {
        all.push((found.symbol, found.forms.contains(Form::Parentheses), found.is_first_line));
    });
    assert_eq!(all, [("EDGE", true, true), ("FOO", false, false), ("BAR", false, false)]);
}

#[test]
fn forms_rank_from_the_strongest() {
    let all = Form::ALL.into_iter().rev().fold(Forms::NONE, Forms::with);
    assert_eq!(all.iter().collect::<Vec<_>>(), Form::ALL);
    let names: Vec<_> = Form::ALL.iter().map(|form| form.as_str()).collect();
    assert_eq!(names, ["ticker", "pair", "parentheses", "listed", "capitals"]);
}

#[test]
fn a_flood_takes_time_in_proportion() {
    let universe = universe();
    let all = Form::ALL.into_iter().fold(Forms::NONE, Forms::with);
    let sought = Sought { text: all, first_line: all };
    for piece in [
        "$",
        "$A",
        "A/",
        "A/USDT ",
        "EDGEUSDT ",
        "(W) ",
        "UTC ",
        "10:00 UTC ",
        "A-",
        "AUSD",
        "#w ",
        "A ",
        "$$A",
    ] {
        let text = piece.repeat(1_000_000 / piece.len());
        let mut count = 0_u64;
        Scan::new(&text, Some(&universe)).run(text.len(), sought, |_| count += 1);
        assert!(count <= text.len() as u64, "{piece}");
    }
}
