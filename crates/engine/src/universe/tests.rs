use proptest::prelude::*;

use super::*;

const EVM: &str = "0xAbCdEf0123456789abcdef0123456789ABCDEF01";

fn parse(text: &str) -> Universe {
    Universe::parse("u.csv", text).unwrap_or_else(|errors| panic!("{text:?}: {errors:?}"))
}

/// All errors as shown, one a line.
fn errors(text: &str) -> Vec<String> {
    let errors = Universe::parse("u.csv", text).expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

fn markets<'l>(listings: impl Iterator<Item = &'l Listing>) -> Vec<&'l str> {
    listings.map(|listing| listing.market.as_str()).collect()
}

#[test]
fn rows_keep_their_order_and_are_found_by_symbol_contract_and_market() {
    let text = format!(
        "symbol,venue,market,contract,chain\n\
         edge,GateIO,EDGE_USDT,,\n\
         PEPE,binance,1000PEPEUSDT,{EVM},Ethereum\n\
         EDGE,binance,EDGEUSDT,,\n\
         WIF,okx,WIF-USDT,EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm,solana\n\
         币安人生,binance,币安人生USDT,,\n"
    );
    let universe = parse(&text);
    assert_eq!((universe.len(), universe.symbols(), universe.contracts()), (5, 4, 2));
    assert!(!universe.is_empty());
    assert_eq!(markets(universe.of_symbol("EDGE")), ["EDGE_USDT", "EDGEUSDT"]);
    assert_eq!(markets(universe.of_symbol("edGe")), ["EDGE_USDT", "EDGEUSDT"]);
    assert_eq!(markets(universe.of_symbol("币安人生")), ["币安人生USDT"]);
    assert_eq!(markets(universe.of_symbol("EDG")), [""; 0]);
    assert!(universe.lists("EDGE") && universe.lists("WIF") && !universe.lists("FOO") && !universe.lists(""));
    for contract in [EVM.to_owned(), EVM.to_lowercase(), EVM.to_uppercase(), EVM.replace("0x", "0X")] {
        assert_eq!(markets(universe.of_contract(&contract)), ["1000PEPEUSDT"], "{contract}");
    }
    assert_eq!(markets(universe.of_contract("EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm")), ["WIF-USDT"]);
    assert_eq!(
        markets(universe.of_contract("ekpqgsjtjmfqkz9kqansqyxrcf8fbopzlhyxdm65zcjm")),
        [""; 0],
        "base58 is the same only letter by letter"
    );
    for (market, symbol) in [
        ("EDGEUSDT", Some("EDGE")),
        ("1000PEPEUSDT", Some("PEPE")),
        ("PEPEUSDT", None),
        ("WIFUSDT", Some("WIF")),
        ("币安人生USDT", Some("币安人生")),
        ("", None),
    ] {
        assert_eq!(universe.of_market(market), symbol, "{market}");
    }
    assert!(universe.has_venue("gateio") && universe.has_venue("okx") && !universe.has_venue("bybit"));
    let first = &universe.listings()[0];
    let shown = (first.symbol.as_str(), first.venue.as_str(), first.contract.as_ref(), first.chain.as_ref());
    assert_eq!(shown, ("EDGE", "gateio", None, None));
    assert_eq!(universe.listings()[1].contract.as_deref(), Some(EVM), "as written");
    assert_eq!(universe.listings()[1].chain.as_deref(), Some("ethereum"));
}

#[test]
fn the_first_of_venues_that_call_a_market_alike_gives_the_symbol() {
    let universe = parse("symbol,venue,market\nLUNC,a,LUNA_USDT\nLUNA,b,LUNAUSDT\nLUNA2,c,luna/usdt\n");
    assert_eq!(universe.of_market("LUNAUSDT"), Some("LUNC"));
}

#[test]
fn what_spreadsheets_and_people_write_is_read() {
    let plain = parse("symbol,venue,market\nEDGE,gateio,EDGE_USDT\nFOO,okx,FOO-USDT\n");
    for text in [
        "\u{feff}symbol,venue,market\r\nEDGE,gateio,EDGE_USDT\r\nFOO,okx,FOO-USDT\r\n",
        "symbol,venue,market\rEDGE,gateio,EDGE_USDT\rFOO,okx,FOO-USDT",
        "# mine\n\n  # header next\nsymbol,venue,market\n\n \nEDGE,gateio,EDGE_USDT\n\
         #FOO,okx,FOOUSDT\nFOO,okx,FOO-USDT",
        "\"symbol\",\"venue\",\"market\"\n\"EDGE\",\"gateio\",\"EDGE_USDT\"\n\"FOO\" , okx ,\t\"FOO-USDT\"\n",
        "Market,SYMBOL,venue\nEDGE_USDT,edge,GATEIO\nFOO-USDT,foo,OKX\n",
        "chain,market,contract,symbol,venue\n,EDGE_USDT,,EDGE,gateio\n,FOO-USDT,,FOO,okx\n",
        "symbol,venue,market\nＥＤＧＥ,gateio,EDGE_USDT\nFOO,okx,FOO-USDT\n",
    ] {
        assert_eq!(parse(text).listings(), plain.listings(), "{text:?}");
    }
    assert_eq!(parse("symbol,venue,market\n\"A\"\"B,C\",v,M\n").listings()[0].symbol, "A\"B,C");
    assert!(parse("symbol,venue,market\n").is_empty());
}

#[test]
fn every_bad_row_is_named_with_its_place() {
    let head = "symbol,venue,market,contract,chain\n";
    for (rows, expect) in [
        (",okx,FOO-USDT,,", &["2:1: `symbol` is empty"][..]),
        ("FOO,,FOO-USDT,,", &["2:5: `venue` is empty"]),
        ("FOO,okx, ,,", &["2:10: `market` is empty"]),
        (",,,,", &["2:1: `symbol` is empty", "2:2: `venue` is empty", "2:3: `market` is empty"]),
        ("FOO,okx,FOO-USDT", &["2:1: 3 cells, but the header names 5 columns"]),
        ("FOO,okx,FOO-USDT,,,", &["2:1: 6 cells, but the header names 5 columns"]),
        ("F O,okx,FOO-USDT,,", &["2:1: `symbol` is \"F O\", which has a space or an invisible character"]),
        (
            "FOO,okx,FOO\u{200b}USDT,,",
            &["2:9: `market` is \"FOO\\u{200b}USDT\", which has a space or an invisible character"],
        ),
        ("$FOO,okx,FOOUSDT,,", &["2:1: `symbol` is \"$FOO\"; write the coin alone, such as EDGE"]),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG,okx,A,,",
            &["2:1: `symbol` is longer than 32 characters: \"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG\""],
        ),
        ("\"FOO,okx,FOO-USDT,,", &["2:1: the quote that opens here is not closed on this line"]),
        ("FOO,\"okx\"x,FOO-USDT,,", &["2:10: a closing quote is followed by a comma or nothing"]),
        ("FOO,okx,A,,\nBAR,bybit,A,,\nFOO,OKX,A,,", &["4:1: `A` of okx stands on line 2 already"]),
        (
            "FOO,okx,A,0xabc123456789012345678901234567890123456,base",
            &[
                "2:11: `contract` is \"0xabc123456789012345678901234567890123456\": after 0x come 40 hex digits for an \
               EVM contract, or up to 64",
            ],
        ),
        (
            "FOO,okx,A,0x0000000000000000000000000000000000000000,base",
            &["2:11: `contract` is the zero address, which is not the contract of a coin"],
        ),
        (
            "FOO,okx,A,0xhello,base",
            &[
                "2:11: `contract` is \"0xhello\": after 0x come 40 hex digits for an EVM contract, or up to 64",
            ],
        ),
    ] {
        let expect: Vec<_> = expect.iter().map(|what| format!("u.csv:{what}")).collect();
        assert_eq!(errors(&format!("{head}{rows}\n")), expect, "{rows}");
    }
    let both = errors("symbol,venue,market\r\n,okx,A\r\n# fine\r\nBAR,okx,B\r\nFOO,,C\r\n");
    assert_eq!(both, ["u.csv:2:1: `symbol` is empty", "u.csv:5:5: `venue` is empty"]);
}

#[test]
fn contracts_of_other_chains_are_taken() {
    for contract in [
        "0x1::aptos_coin::AptosCoin",
        "0x4270ce3b7c7e7dea52c2a2c4b2d4d3a3f27f2a8f4c9d7a1e8f5b6c3d2e1f0a9b",
        "0x06864a6f921804860930db6ddbe2e16acdf8504495ea7481637a1c8b9a8fe54b::cetus::CETUS",
        "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs",
        "uosmo",
    ] {
        let universe = parse(&format!("symbol,venue,market,contract\nFOO,okx,A,{contract}\n"));
        assert_eq!(universe.of_contract(contract).count(), 1, "{contract}");
    }
}

#[test]
fn a_bad_header_says_what_a_header_is() {
    const NEEDS: &str = "the first row names the columns: symbol,venue,market and optionally contract,chain";
    for (text, expect) in [
        ("", format!("1:1: there is no header; {NEEDS}")),
        ("\n# only words\n", format!("1:1: there is no header; {NEEDS}")),
        ("s\0y\0m\0b\0o\0l\0", "1:2: the control character \\u{0}; a universe is text in UTF-8".to_owned()),
        (
            "symbol,venue,market\n# a bell: \u{7}\n",
            "2:11: the control character \\u{7}; a universe is text in UTF-8".to_owned(),
        ),
        ("symbol;venue;market\nFOO;okx;A\n", format!("1:1: columns are separated by commas; {NEEDS}")),
        ("\nsymbol,venue\n", format!("2:1: the column `market` is missing; {NEEDS}")),
        ("symbol,venue,market,price\n", format!("1:21: unknown column `price`; {NEEDS}")),
        ("symbol,venue,market,venue\n", "1:21: the column `venue` is named twice".to_owned()),
        ("\"symbol,venue,market\n", "1:1: the quote that opens here is not closed on this line".to_owned()),
    ] {
        assert_eq!(errors(text), [format!("u.csv:{expect}")], "{text:?}");
    }
    assert_eq!(errors("FOO,okx,FOO-USDT\n").len(), 6, "three unknown columns, three missing ones");
}

#[test]
fn errors_beyond_a_hundred_are_counted() {
    let rows = "FOO,,A\n".repeat(150);
    let errors = errors(&format!("symbol,venue,market\n{rows}"));
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[99], "u.csv:101:5: `venue` is empty");
    assert_eq!(errors[100], "u.csv:151:1: and 50 more errors, the last of them on this line");
}

#[test]
fn too_many_rows_and_too_long_a_text_are_errors() {
    let rows = "symbol,venue,market\nA,v,1\n# not a row\nA,v,2\nA,v,3\n";
    assert_eq!(parse::listings("u.csv", rows, 3).map(|listings| listings.len()), Ok(3));
    let errors_of = |most| parse::listings("u.csv", rows, most).expect_err("too many")[0].to_string();
    assert_eq!(errors_of(2), "u.csv:5:1: a universe has at most 2 rows");
    let long = format!("symbol,venue,market\n#{}", "x".repeat(UNIVERSE_BYTES));
    assert_eq!(errors(&long), ["u.csv:1:1: a universe is at most 12582912 bytes, this is 12582933"]);
}

#[test]
fn a_large_universe_is_found_as_a_search_of_all_rows_would() {
    let mut text = String::from("symbol,venue,market,contract\n");
    for row in 0_u64..3_000 {
        use std::fmt::Write;
        let (symbol, venue) = (row.wrapping_mul(7919) % 700, row % 7);
        let contract = if row % 3 == 0 { format!("0x{:040X}", symbol + 1) } else { String::new() };
        writeln!(text, "C{symbol},v{venue},C{symbol}_{row},{contract}").expect("a string");
    }
    let universe = parse(&text);
    for symbol in 0..701 {
        let name = format!("C{symbol}");
        let expect = universe.listings().iter().filter(|listing| listing.symbol == name);
        assert_eq!(markets(universe.of_symbol(&name)), markets(expect), "{name}");
        let contract = format!("0x{:040x}", symbol + 1);
        let same = |listing: &&Listing| {
            listing.contract.as_deref().is_some_and(|mine| mine.eq_ignore_ascii_case(&contract))
        };
        let expect = universe.listings().iter().filter(same);
        assert_eq!(markets(universe.of_contract(&contract)), markets(expect), "{contract}");
    }
    for listing in universe.listings() {
        let name = listing.market.replace('_', "");
        let first = universe.listings().iter().find(|other| other.market.replace('_', "") == name);
        assert_eq!(universe.of_market(&name), first.map(|first| first.symbol.as_str()), "{name}");
    }
}

proptest! {
    /// Whatever a text holds, it is read or refused with places that are in it.
    #[test]
    fn any_text_is_read_or_refused(rows in proptest::collection::vec("[A-C,\"#$ \t\r\n\u{200b}é币]{0,12}", 0..12)) {
        let text = format!("symbol,venue,market\n{}", rows.join("\n"));
        let lines = text.split(['\n', '\r']).count();
        match Universe::parse("u.csv", &text) {
            Ok(universe) => prop_assert!(universe.len() < lines),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error}");
                }
            }
        }
    }
}

#[test]
fn a_row_of_two_million_cells_is_one_error_in_little_time() {
    let text = format!("symbol,venue,market\nEDGE,é{}x\n", ",".repeat(2_000_000));
    assert_eq!(errors(&text), ["u.csv:2:1: 2000002 cells, but the header names 3 columns"]);
}
