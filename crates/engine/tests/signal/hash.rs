//! Hashes of rules, pinned: a rule keeps its hash as long as it says the same.

use std::sync::Arc;

use stoop_engine::syntax::{Source, Table};
use stoop_engine::{RuleReader, RuleSet, Universe};

use super::rules_of;

/// Rules, each with its hash. Together they have every key, every value of the keys that take a choice, and texts with
/// letters that have to be escaped.
const PINNED: &[(&str, u64)] = &[
    ("", 0x6ace_e5aa_eead_0891),
    (
        r#"[[rule]]
name = "other""#,
        0xb854_7dcc_6946_9049,
    ),
    (
        r#"[[rule]]
name = "q\"uo'te\\ \t\n\r\u0001""#,
        0x4576_9e7c_34bc_7eb9,
    ),
    (
        r#"[[rule]]
name = "é e\u0301 ’ \u200b 日本 😀 \u00ad \u00a0 \uE000""#,
        0xb6e9_0537_9b5e_6799,
    ),
    (
        r#"note = "for people"
enabled = false"#,
        0x6ace_e5aa_eead_0891,
    ),
    (r#"on = ["content"]"#, 0xcc8e_b0ff_cbfa_ba55),
    (r#"on = ["unpin", "pin", "meta", "update", "content"]"#, 0x8aad_bbd4_979c_7609),
    (r#"authors = ["@Binance", "id:44196397", "cz_binance"]"#, 0x08d5_bddd_f3c1_fce7),
    (r#"authors = ["id:1"]"#, 0x1984_c1bb_50ae_447e),
    (r#"platforms = ["twitter", "truth_social"]"#, 0x2c69_ee0e_d9c5_506d),
    (r#"platforms = ["truth_social"]"#, 0xaf8c_dcee_12f6_6e90),
    (r#"kinds = ["post", "quote", "self_reply", "reply", "retweet"]"#, 0x7883_22ce_9613_9afb),
    ("min_followers = 0", 0x6fa2_7a73_9ce6_9bf1),
    ("min_followers = 18446744073709551615", 0x4f5e_5357_66f6_1bcf),
    (r#"verified = ["blue", "business", "government", "none"]"#, 0x6e10_fe6d_0f04_80a6),
    (
        r#"any = ["will list", "lists*", "don’t", "ＡＢ"]
all = ["a\u200bb", "ß"]
none = ["delist*", "say \"no\"", "back\\slash"]"#,
        0xcffe_b33d_c844_7c30,
    ),
    (
        r#"any = [" list ", "new  token*"]
match = "substring""#,
        0x0fbb_06ee_3d0b_05f8,
    ),
    (
        r#"any = ["a"]
in = ["text", "first_line", "ref", "ocr", "mentions", "urls", "bio", "name"]"#,
        0x07e7_87c4_f1b3_c568,
    ),
    (
        r#"any = ["@binance", "İstanbul", "e\u0301", "\u0301x"]
in = ["mentions", "bio"]"#,
        0xcee6_cef2_dfe5_7503,
    ),
    (
        r#"any = ["list"]
any_of = [{ any = ["é", "b*"], all = ["c"], none = ["d"], match = "substring", in = ["ocr"] },
{ assets = { tokens = true, cex = ["binance"] } }]"#,
        0x0db4_7282_202a_c850,
    ),
    (
        r#"any_of = [{ all = ["say \"it\""], assets = { cex = ["binance"], addresses = true, prediction = ["kalshi"], written = ["pair"], in = ["first_line"], only = ["EDGE"], except = ["BTC"] } }, { any = ["x"] }]"#,
        0x8332_3ffd_cf31_3e90,
    ),
    ("assets = { tokens = true }", 0xaf30_81ee_7fcb_53f0),
    ("assets = { cex = true, prediction = true, addresses = true }", 0x973c_af8f_5426_3460),
    (r#"assets = { cex = ["hyperliquid", "bybit"], prediction = ["polymarket"] }"#, 0x3524_ea2b_3b18_8adf),
    (
        r#"assets = { tokens = true, written = ["ticker", "pair", "parentheses", "listed", "capitals"], only = ["edge", "Foo"], except = ["btc"], in = ["first_line"], max = 3 }"#,
        0x3ce3_e620_1b19_3cba,
    ),
    (r#"assets = { tokens = true, written = ["capitals", "ticker"] }"#, 0x4e01_743a_7acf_23f1),
    (
        r#"assets = { tokens = true }
on_unnamed = "keep""#,
        0x0c76_54c1_fab2_340e,
    ),
    (
        "assets = { tokens = true }
tradable = true",
        0x136c_472b_c774_6a17,
    ),
    (
        r#"assets = { tokens = true }
tradable = ["GateIO", "binance"]"#,
        0xaed7_7044_98aa_6e52,
    ),
    (r#"emit = ["binance:DOGEUSDT", "kalshi:X-1", "polymarket:what?", "okx:A\"B"]"#, 0x5b56_7378_e1bf_1f93),
    (
        r#"emit = ["Bybit:DOGE-PERP"]
any_of = [{ any = ["doge"] }]"#,
        0xe4e8_42e0_7d0b_95d2,
    ),
    ("allow_late = true", 0x2990_2489_6683_df22),
    (r#"max_age = "5s""#, 0x4fda_3e04_ace7_208a),
    (r#"fire = "content""#, 0x34af_4e8e_61c2_a705),
    (r#"settle = "1500ms""#, 0x40d5_984c_fa39_b2db),
    (r#"fire = "enriched""#, 0x6ebb_9188_cf88_66c2),
    (
        r#"fire = "enriched"
wait = "800ms"
on_timeout = "open""#,
        0x3951_51f6_92ae_82a7,
    ),
    (r#"ttl = "20s""#, 0x9da3_e190_21d2_584d),
    (r#"cooldown = "24h""#, 0x9c7d_4d5a_a49e_69e7),
    (
        r#"cooldown = "90s"
cooldown_by = "author""#,
        0xa491_c539_c53e_c2e1,
    ),
    (
        r#"cooldown = "1d"
cooldown_by = "rule""#,
        0x59a4_3e71_99ed_1f4c,
    ),
    (r#"side = "buy""#, 0x030a_eb59_1a01_89f9),
    (
        r#"side = "sell"
destination = "python \"queue\"""#,
        0xfe17_e71f_e3e8_735c,
    ),
    (
        r#"params = { max_slippage_bps = 80, deep = { x = [1, 2.5, { y = 1979-05-27T07:32:00Z }], q = "a\"b\\c\n\u0001é" } }"#,
        0x45b6_4572_9ec2_259a,
    ),
    (
        r#"[[alias]]
terms = ["doge", "dogecoin"]
market = "binance:DOGEUSDT"
[[rule]]
name = "r"
any = ["doge"]"#,
        0x4d8e_d02e_8641_ee4e,
    ),
    (
        r#"on = ["content", "update", "meta"]
authors = ["@binance", "id:44196397"]
platforms = ["twitter"]
kinds = ["post"]
any = ["will list", "lists*"]
all = ["token"]
none = ["delist*"]
in = ["text", "ocr"]
any_of = [{ any = ["é"] }, { assets = { tokens = true, only = ["EDGE"] } }]
assets = { tokens = true, written = ["ticker"], max = 2 }
on_unnamed = "keep"
tradable = ["gateio"]
min_followers = 10000
verified = ["business"]
allow_late = true
max_age = "5s"
fire = "enriched"
wait = "800ms"
on_timeout = "open"
ttl = "20s"
cooldown = "24h"
cooldown_by = "author"
side = "buy"
destination = "queue"
params = { max_slippage_bps = 80 }"#,
        0xe3c8_b502_33df_a1ac,
    ),
];

fn hash_of(rules: &str) -> u64 {
    let universe = Universe::parse("universe.csv", "symbol,venue,market\nEDGE,gateio,EDGE_USDT\n")
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let source = Source { name: "r.toml".to_owned(), text: rules_of(rules) };
    let parsed = source.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut reader = RuleReader::default();
    reader.universe(Some(Arc::new(universe)));
    reader.read(&Table::root(&source, &parsed));
    let set = RuleSet::new(reader).unwrap_or_else(|error| panic!("{rules}\n{error}"));
    u64::from_be_bytes(set.rules().last().expect("a rule").label.hash)
}

#[test]
fn a_rule_keeps_its_hash() {
    for (rule, hash) in PINNED {
        assert_eq!(hash_of(rule), *hash, "\n{rule}");
    }
}
