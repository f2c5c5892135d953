//! Every operation with every field of protocol §4, by value.

use stoop_wire::{Decoder, Limits};

use crate::show::{check, decode, decode_with, list, one};

/// A frame with the payload `d`.
fn frame(family: &str, op: &str, d: &str) -> String {
    format!(r#"{{"v":1,"t":"{family}","op":"{op}","d":{d}}}"#)
}

/// The fields of a content frame with the payload `{"tweetId":"1",` + `rest`, but for those every one has.
#[track_caller]
fn check_content(rest: &str, expect: &[(&str, &str)]) {
    let frame = frame("tweet", "content", &format!(r#"{{"tweetId":"1",{rest}}}"#));
    check(&frame, &[&[("op", "Content"), ("tweet_id", "1")], expect].concat());
}

#[test]
fn the_vendors_printed_example() {
    check(
        r#"{"v":1,"t":"tweet","op":"content","id":"2064689031777615872","ts":1781095200123,"d":{"tweetId":"2064689031777615872","kind":"post","text":"New token live. CA: 9xQeWvG816bUx9EP...","createdAt":1781095199900,"receivedAt":1781095200108,"author":{"handle":"@marketdesk","name":"Market Account"},"media":[{"type":"image","url":"https://pbs.twimg.com/media/sample-token-chart.jpg"}]}}"#,
        &[
            ("op", "Content"),
            ("ts", "1781095200123"),
            ("id", "2064689031777615872"),
            ("tweet_id", "2064689031777615872"),
            ("platform", "twitter"),
            ("post.Kind", "post"),
            ("post.Text", "New token live. CA: 9xQeWvG816bUx9EP..."),
            ("post.CreatedAt", "1781095199900"),
            ("post.ReceivedAt", "1781095200108"),
            ("post.author.Handle", "@marketdesk"),
            ("post.author.Name", "Market Account"),
            ("post.Media", "0"),
            ("post.media[0]", ""),
            ("post.media[0].type", "image"),
            ("post.media[0].url", "https://pbs.twimg.com/media/sample-token-chart.jpg"),
        ],
    );
    check(
        r#"{"v":1,"t":"tweet","op":"meta","id":"2064689031777615872","ts":1781095200340,"d":{"tweetId":"2064689031777615872","ocr":{"text":"ticker $EDGE, liquidity rising"},"detected":{"tokens":[{"symbol":"EDGE","contract":"9xQeWvG816bUx9EP...","chain":"solana","priceUsd":0.0042,"sources":["text","ocr"]}]}}}"#,
        &[
            ("op", "Meta"),
            ("ts", "1781095200340"),
            ("id", "2064689031777615872"),
            ("tweet_id", "2064689031777615872"),
            ("post.OcrText", "ticker $EDGE, liquidity rising"),
            ("detected[0]", "Token"),
            ("detected[0].Symbol", "EDGE"),
            ("detected[0].Contract", "9xQeWvG816bUx9EP..."),
            ("detected[0].Chain", "solana"),
            ("detected[0].price", "0.0042"),
            ("detected[0].Sources", "text\u{1f}ocr"),
        ],
    );
}

#[test]
fn content_with_every_field() {
    check_content(
        r#""kind":"quote","text":"a","createdAt":1,"receivedAt":2,"link":"l",
        "author":{"id":"9","handle":"@A","name":"n","platform":"truth_social","profileImage":"p","banner":"b","bio":"o",
            "location":"x","url":"u","websiteUrl":"w","followersCount":3,"followingCount":4,"joinedAt":5,
            "metrics":{"likes":6,"tweets":7},"verifiedType":"business",
            "verifiedLabel":{"badge":null,"description":"d","url":"v"}},
        "media":[{"url":"m","type":"video","thumbnail":"t"},{}],
        "mentions":[{"handle":"@h","id":"8","name":"k"}],
        "urls":[{"url":"e","name":"f","tco":"g"}],
        "ref":{"type":"quote","tweetId":"11","text":"r","author":{"handle":"@B"},"media":[{"url":"q"}]}"#,
        &[
            ("platform", "truth_social"),
            ("post.Kind", "quote"),
            ("post.Text", "a"),
            ("post.CreatedAt", "1"),
            ("post.ReceivedAt", "2"),
            ("post.Link", "l"),
            ("post.author.Id", "9"),
            ("post.author.Handle", "@A"),
            ("post.author.Name", "n"),
            ("post.author.Platform", "truth_social"),
            ("post.author.ProfileImage", "p"),
            ("post.author.Banner", "b"),
            ("post.author.Bio", "o"),
            ("post.author.Location", "x"),
            ("post.author.Url", "u"),
            ("post.author.WebsiteUrl", "w"),
            ("post.author.Followers", "3"),
            ("post.author.Following", "4"),
            ("post.author.JoinedAt", "5"),
            ("post.author.Likes", "6"),
            ("post.author.Tweets", "7"),
            ("post.author.VerifiedType", "business"),
            ("post.author.VerifiedLabel", "0"),
            ("post.author.LabelBadge", "(null)"),
            ("post.author.LabelDescription", "d"),
            ("post.author.LabelUrl", "v"),
            ("post.Media", "0"),
            ("post.media[0]", ""),
            ("post.media[0].url", "m"),
            ("post.media[0].type", "video"),
            ("post.media[0].thumbnail", "t"),
            ("post.media[1]", ""),
            ("post.Mentions", "0"),
            ("post.mentions[0]", ""),
            ("post.mentions[0].handle", "@h"),
            ("post.mentions[0].id", "8"),
            ("post.mentions[0].name", "k"),
            ("post.Urls", "0"),
            ("post.urls[0]", ""),
            ("post.urls[0].url", "e"),
            ("post.urls[0].name", "f"),
            ("post.urls[0].tco", "g"),
            ("post.RefType", "quote"),
            ("post.RefTweetId", "11"),
            ("post.RefText", "r"),
            ("post.ref_author.Handle", "@B"),
            ("post.RefMedia", "0"),
            ("post.ref_media[0]", ""),
            ("post.ref_media[0].url", "q"),
        ],
    );
}

#[test]
fn update_reads_as_content_does() {
    check(
        &frame("tweet", "update", r#"{"tweetId":"1","urls":[],"ref":{"type":"reply"}}"#),
        &[("op", "Update"), ("tweet_id", "1"), ("post.Urls", "0"), ("post.RefType", "reply")],
    );
}

#[test]
fn meta_with_every_field_and_in_the_order_of_classes() {
    check(
        &frame(
            "tweet",
            "meta",
            r#"{"detected":{"prediction":[{"exchange":"kalshi","marketId":"m","title":"t","priceUsd":0.5,"url":"u","sources":["ocr"]}],
            "cex":[{"exchange":"bybit","symbol":"DOGEUSDT","baseAsset":"DOGE","quoteAsset":"USDT","priceUsd":1E5,
                "url":"v","sources":["text"]}],
            "tokens":[{"symbol":"S","name":"N","contract":"C","chain":"H","networkId":1399811149,"priceUsd":1e-12,
                "sources":[]}]},
            "tweetId":2,"receivedAt":9}"#,
        ),
        &[
            ("op", "Meta"),
            ("tweet_id", "2"),
            ("received", "9"),
            ("detected[0]", "Token"),
            ("detected[0].Symbol", "S"),
            ("detected[0].Name", "N"),
            ("detected[0].Contract", "C"),
            ("detected[0].Chain", "H"),
            ("detected[0].NetworkId", "1399811149"),
            ("detected[0].price", "0.000000000001"),
            ("detected[0].Sources", ""),
            ("detected[1]", "Cex"),
            ("detected[1].Exchange", "bybit"),
            ("detected[1].Symbol", "DOGEUSDT"),
            ("detected[1].Base", "DOGE"),
            ("detected[1].Quote", "USDT"),
            ("detected[1].price", "100000"),
            ("detected[1].Url", "v"),
            ("detected[1].Sources", "text"),
            ("detected[2]", "Prediction"),
            ("detected[2].Exchange", "kalshi"),
            ("detected[2].MarketId", "m"),
            ("detected[2].Title", "t"),
            ("detected[2].price", "0.5"),
            ("detected[2].Url", "u"),
            ("detected[2].Sources", "ocr"),
        ],
    );
}

#[test]
fn delete_pin_and_unpin() {
    check(
        &frame(
            "tweet",
            "delete",
            r#"{"tweetId":"1","eventId":"e","deletedAt":5,"receivedAt":6,"author":{"id":7},"text":"t"}"#,
        ),
        &[
            ("op", "Delete"),
            ("tweet_id", "1"),
            ("event_id", "e"),
            ("deleted", "5"),
            ("received", "6"),
            ("platform", "twitter"),
            ("post.author.Id", "7"),
            ("post.Text", "t"),
        ],
    );
    for (op, name) in [("pin", "Pin"), ("unpin", "Unpin")] {
        check(
            &frame(
                "tweet",
                op,
                r#"{"tweetId":"1","eventId":"e","observedAt":5,"receivedAt":6,"action":"pinned","author":{"handle":"@a"},
                "text":"t","tweet":{"tweetId":"1","text":"u","receivedAt":4,"author":{"handle":"@b"}}}"#,
            ),
            &[
                ("op", name),
                ("tweet_id", "1"),
                ("event_id", "e"),
                ("observed", "5"),
                ("received", "6"),
                ("action", "pinned"),
                ("platform", "twitter"),
                ("post.author.Handle", "@a"),
                ("post.Text", "t"),
                ("pinned_id", "1"),
                ("pinned.Text", "u"),
                ("pinned.ReceivedAt", "4"),
                ("pinned.author.Handle", "@b"),
            ],
        );
    }
}

#[test]
fn profile_update_tells_null_from_absent() {
    check(
        &frame(
            "account",
            "profile_update",
            r#"{"kind":"PROFILE","eventId":"e","observedAt":1,"receivedAt":2,"actor":{"id":"3","websiteUrl":"w"},
            "changes":{"avatar":"a","banner":null,"bio":"b","handle":"@h","location":null,"name":"n",
            "verifiedLabel":null,
                "websiteUrl":null},
            "previous":{"bio":null,"verifiedLabel":{"badge":"x","description":"y","url":null}}}"#,
        ),
        &[
            ("op", "ProfileUpdate"),
            ("action", "PROFILE"),
            ("event_id", "e"),
            ("observed", "1"),
            ("received", "2"),
            ("platform", "twitter"),
            ("actor.Id", "3"),
            ("actor.WebsiteUrl", "w"),
            ("changes.Avatar", "a"),
            ("changes.Banner", "(null)"),
            ("changes.Bio", "b"),
            ("changes.Handle", "@h"),
            ("changes.Location", "(null)"),
            ("changes.Name", "n"),
            ("changes.VerifiedLabel", "(null)"),
            ("changes.WebsiteUrl", "(null)"),
            ("previous.Bio", "(null)"),
            ("previous.VerifiedLabel", "0"),
            ("previous.LabelBadge", "x"),
            ("previous.LabelDescription", "y"),
            ("previous.LabelUrl", "(null)"),
        ],
    );
}

#[test]
fn follow_and_unfollow() {
    for (op, name, kind) in [("follow", "Follow", "FOLLOW"), ("unfollow", "Unfollow", "UNFOLLOW")] {
        let d = format!(
            r#"{{"kind":"{kind}","eventId":"e","observedAt":1,"receivedAt":2,"actor":{{"handle":"@a"}},"target":{{"handle":"@b"}}}}"#
        );
        check(
            &frame("account", op, &d),
            &[
                ("op", name),
                ("action", kind),
                ("event_id", "e"),
                ("observed", "1"),
                ("received", "2"),
                ("platform", "twitter"),
                ("actor.Handle", "@a"),
                ("target.Handle", "@b"),
            ],
        );
    }
}

#[test]
fn result_of_an_account_command() {
    check(
        &frame(
            "control",
            "twitter_handles_result",
            r#"{"action":"follow","requestId":null,"error":"e","results":[{"input":"i","state":"added","handle":"@h","name":"n",
            "normalizedHandle":"h","profileImage":"p","twitterId":"7","message":"m"},{"input":"j","state":"lost"}]}"#,
        ),
        &[
            ("op", "HandlesResult"),
            ("handles.action", "follow"),
            ("handles.error", "e"),
            ("handles[0]", ""),
            ("handles[0].input", "i"),
            ("handles[0].state", "added"),
            ("handles[0].handle", "@h"),
            ("handles[0].name", "n"),
            ("handles[0].normalizedHandle", "h"),
            ("handles[0].profileImage", "p"),
            ("handles[0].twitterId", "7"),
            ("handles[0].message", "m"),
            ("handles[1]", ""),
            ("handles[1].input", "j"),
            ("handles[1].state", "lost"),
            ("unknowns.values", "1"),
        ],
    );
}

#[test]
fn what_is_only_kept_is_kept_as_it_came() {
    for (family, op, name) in [
        ("account", "callout", "Callout"),
        ("control", "auth_ping", "AuthPing"),
        ("control", "auth_pong", "AuthPong"),
        ("tweet", "poll", "UnknownOp"),
        // The family decides with the operation.
        ("account", "content", "UnknownOp"),
        ("tweet", "follow", "UnknownOp"),
        ("space", "content", "UnknownFamily"),
    ] {
        let frame = frame(family, op, r#"{"kind":7,"text":"a\nb","kind":8}"#);
        check(&format!(" {frame}\n"), &[("op", name), ("raw", &frame)]);
    }
}

#[test]
fn pings_and_unknown_operations_may_have_any_payload_or_none() {
    for d in ["null", "7", "[]", "\"x\"", "{}"] {
        for (family, op) in [("control", "auth_ping"), ("control", "x"), ("x", "y")] {
            let frame = frame(family, op, d);
            assert_eq!(one(&frame)["raw"], frame);
        }
    }
    let bare = r#"{"t":"control","op":"auth_pong"}"#;
    assert_eq!(one(bare)["raw"], bare);
}

#[test]
fn members_of_the_envelope_come_in_any_order() {
    check(
        r#"{ "d" : {"tweetId":"1"} , "ts":1, "id":"x", "op":"content", "t":"tweet", "v":1 }"#,
        &[("op", "Content"), ("ts", "1"), ("id", "x"), ("tweet_id", "1")],
    );
    let frame = frame("tweet", "content", r#"{"tweetId":"1"}"#);
    assert_eq!(one(&frame), one(&format!("\u{feff}{frame}")), "a byte order mark is skipped");
}

#[test]
fn null_is_absent() {
    check_content(
        r#""kind":null,"text":null,"createdAt":null,"receivedAt":null,"author":null,"link":null,"media":null,"mentions":null,
        "urls":null,"ref":null"#,
        &[],
    );
    check_content(
        r#""author":{"id":null,"handle":null,"platform":null,"bio":null,"metrics":null,"verifiedType":null,"verifiedLabel":null},
        "ref":{"type":null,"tweetId":null,"text":null,"author":null,"media":null},"media":[{"url":null,"type":null}]"#,
        &[("post.author.VerifiedLabel", "(null)"), ("post.Media", "0"), ("post.media[0]", "")],
    );
    check(
        r#"{"v":null,"t":"tweet","op":"meta","id":null,"ts":null,"d":{"tweetId":"1","ocr":{"text":null},
        "detected":{"tokens":null,"cex":[{"priceUsd":null,"sources":null}]}}}"#,
        &[("op", "Meta"), ("tweet_id", "1"), ("detected[0]", "Cex")],
    );
}

#[test]
fn ids_keep_every_digit() {
    for (id, expect) in [
        ("\"18446744073709551615\"", "18446744073709551615"),
        ("\"18446744073709551616\"", "18446744073709551616"),
        ("\"007\"", "007"),
        ("\"ab\\u0063\"", "abc"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551615", "18446744073709551615"),
        ("0", "0"),
        ("-0", "0"),
    ] {
        let fields =
            one(&frame("tweet", "content", &format!(r#"{{"tweetId":{id},"author":{{"id":{id}}}}}"#)));
        assert_eq!(fields["tweet_id"], expect);
        assert_eq!(fields["post.author.Id"], expect);
        let fields = one(&format!(r#"{{"t":"tweet","op":"delete","id":{id},"d":{{"tweetId":"1"}}}}"#));
        assert_eq!(fields["id"], expect);
    }
}

#[test]
fn ids_are_never_rounded() {
    let big = "36893488147419103232";
    let fields = one(&format!(
        r#"{{"t":"tweet","op":"meta","id":{big},"zone":{big},"d":{{"tweetId":"1","detected":{{"tokens":[{{"networkId":{big}}}]}}}}}}"#
    ));
    assert_eq!((fields.get("id"), fields.get("detected[0].NetworkId")), (None, None));
    assert_eq!(
        (fields["field_errors"].as_str(), fields["field_error"].as_str()),
        ("2", "WrongType@Some(25)")
    );
    for (d, at) in [(r#"{"tweetId":N}"#, 1), (r#"{"tweetId":"1","author":{"id":N}}"#, 25)] {
        let text = frame("tweet", "content", &d.replace('N', big));
        let at = text.find(d.get(..4).expect("it is long")).expect("it is there") + at;
        let bad = crate::show::decode(text.as_bytes()).remove(0).expect_err("no id");
        assert_eq!(bad.to_string(), format!("wrong_type at byte {at}"));
    }
}

#[test]
fn texts_with_escapes_keep_their_neighbours() {
    for (text, expect) in [
        (r"a\n🚀", "a\n🚀"),
        (r"a\n🚀 b", "a\n🚀 b"),
        (r"a\u00e9上", "aé上"),
        (r"\ud83d\ude80🚀🚀🚀", "🚀🚀🚀🚀"),
        (r"\n\n\n\n\n\n\n上上", "\n\n\n\n\n\n\n上上"),
    ] {
        let d = format!(r#"{{"tweetId":"1","text":"{text}","link":"é","kind":"{text}"}}"#);
        let fields = one(&frame("tweet", "content", &d));
        let texts = ["post.Text", "post.Kind", "post.Link"].map(|name| fields[name].as_str());
        assert_eq!(texts, [expect, expect, "é"]);
    }
}

#[test]
fn platform_is_told_by_an_author_that_says_who_it_is() {
    for (author, expect) in [
        (r#"{"handle":"@a"}"#, Some("twitter")),
        (r#"{"id":"1"}"#, Some("twitter")),
        (r#"{"platform":"truth_social"}"#, Some("truth_social")),
        (r#"{"platform":"mastodon","id":"1"}"#, Some("mastodon")),
        ("{}", None),
        (r#"{"followersCount":3,"name":"n"}"#, None),
        ("null", None),
    ] {
        for op in ["content", "update", "delete", "pin"] {
            let fields = one(&frame("tweet", op, &format!(r#"{{"tweetId":"1","author":{author}}}"#)));
            assert_eq!(fields.get("platform").map(String::as_str), expect, "{author}");
        }
        let fields =
            one(&frame("account", "follow", &format!(r#"{{"actor":{author},"target":{{"id":"2"}}}}"#)));
        assert_eq!(fields.get("platform").map(String::as_str), expect, "{author}");
    }
}

#[test]
fn times_are_integers_or_floats_with_an_integral_value() {
    for (ts, expect) in [
        ("1781095200123", Ok("1781095200123")),
        ("1.7e12", Ok("1700000000000")),
        ("1781095200123.0", Ok("1781095200123")),
        ("-1", Ok("-1")),
        ("9223372036854775807", Ok("9223372036854775807")),
        ("9223372036854775808", Err("OutOfRange")),
        ("1e19", Err("OutOfRange")),
        ("36893488147419103232", Err("OutOfRange")),
        ("-9223372036854775808", Ok("-9223372036854775808")),
        ("-9223372036854775809", Err("OutOfRange")),
        ("0.5", Err("WrongType")),
        ("\"1781095200123\"", Err("WrongType")),
        ("true", Err("WrongType")),
        ("{}", Err("WrongType")),
    ] {
        let fields = one(&format!(r#"{{"t":"tweet","op":"meta","ts":{ts},"d":{{"tweetId":"1"}}}}"#));
        match expect {
            Ok(expect) => assert_eq!((fields["ts"].as_str(), fields.get("field_errors")), (expect, None)),
            Err(reason) => {
                assert_eq!((fields.get("ts"), fields["field_errors"].as_str()), (None, "1"), "{ts}");
                assert_eq!(fields["field_error"], format!("{reason}@Some(25)"));
            }
        }
    }
}

#[test]
fn prices() {
    for (price, expect) in [
        ("1e-12", "0.000000000001"),
        ("4.2e-3", "0.0042"),
        ("0.0042", "0.0042"),
        ("1E5", "100000"),
        ("123456789012345678", "123456789012345678"),
        ("18446744073709551615", "18446744073709551615"),
        ("36893488147419103232", "36893488147419103000"),
        ("-9223372036854775809", "-9223372036854776000"),
        ("79228162514264337593543950336", "out of range"),
        ("0.1", "0.1"),
        ("0.50", "0.5"),
        ("5", "5"),
        ("5.0", "5"),
        ("0", "0"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("-1.25", "-1.25"),
        ("64250.5", "64250.5"),
        ("1e-28", "0.0000000000000000000000000001"),
        ("1e-29", "out of range"),
        ("1e-30", "out of range"),
        ("1e300", "out of range"),
        ("5e-324", "out of range"),
    ] {
        let d = format!(r#"{{"tweetId":"1","detected":{{"tokens":[{{"priceUsd":{price}}}]}}}}"#);
        let fields = one(&frame("tweet", "meta", &d));
        let at = d.find("\"priceUsd").map(|at| at + frame("tweet", "meta", "").len() - 1);
        let error = (expect == "out of range").then(|| format!("OutOfRange@{at:?}"));
        assert_eq!(
            (fields["detected[0].price"].as_str(), fields.get("field_error")),
            (expect, error.as_ref()),
            "{price}"
        );
    }
    let d = r#"{"tweetId":"1","detected":{"tokens":[{"priceUsd":"0.1"},{"priceUsd":true}]}}"#;
    let fields = one(&frame("tweet", "meta", d));
    assert_eq!((fields.get("detected[0].price"), fields["field_errors"].as_str()), (None, "2"));
}

#[test]
fn unknown_values_are_kept_and_counted() {
    check(
        r#"{"v":2,"t":"tweet","op":"content","zone":{"a":{"b":1}},"d":{"tweetId":"1","kind":"thread","mood":7,
        "author":{"id":"1","platform":"bluesky","verifiedType":"gold","karma":[]},
        "media":[{"type":"hologram","alt":"x"}],
        "ref":{"type":"echo"}}}"#,
        &[
            ("op", "Content"),
            ("tweet_id", "1"),
            ("platform", "bluesky"),
            ("post.Kind", "thread"),
            ("post.author.Id", "1"),
            ("post.author.Platform", "bluesky"),
            ("post.author.VerifiedType", "gold"),
            ("post.Media", "0"),
            ("post.media[0]", ""),
            ("post.media[0].type", "hologram"),
            ("post.RefType", "echo"),
            ("unknowns.version", "true"),
            ("unknowns.fields", "4"),
            ("unknowns.values", "5"),
        ],
    );
    let d = r#"{"tweetId":"1","detected":{"cex":[{"exchange":"kraken","sources":["text","link"]}],
        "prediction":[{"exchange":"binance"}],"nfts":[]}}"#;
    let fields = one(&frame("tweet", "meta", d));
    assert_eq!(fields["detected[0].Exchange"], "kraken");
    assert_eq!(fields["detected[0].Sources"], "text\u{1f}link");
    assert_eq!(fields["detected[1].Exchange"], "binance");
    assert_eq!((fields["unknowns.values"].as_str(), fields["unknowns.fields"].as_str()), ("3", "1"));
}

#[test]
fn optional_members_of_the_wrong_type_are_left_out_and_counted() {
    let frame = frame(
        "tweet",
        "content",
        r#"{"tweetId":"1","link":7,"createdAt":"x","author":{"name":1,"followersCount":"2","metrics":[],"verifiedLabel":"v"},"media":[{"url":[]},3,null,[]],"urls":[{"tco":{}}]}"#,
    );
    check(
        &frame,
        &[
            ("op", "Content"),
            ("tweet_id", "1"),
            ("post.Media", "0"),
            ("post.media[0]", ""),
            ("post.Urls", "0"),
            ("post.urls[0]", ""),
            ("field_errors", "11"),
            ("field_error", &format!("WrongType@Some({})", frame.find("\"link\"").expect("it is there"))),
        ],
    );
}

#[test]
fn lists_are_cut_at_the_limit() {
    let limits = Limits { max_items: 2, ..Limits::default() };
    let d = r#"{"tweetId":"1","media":[{"url":"a"},{"url":"b"},{"url":"c"},{"url":"d"}]}"#;
    let events = decode_with(&mut Decoder::new(limits), frame("tweet", "content", d).as_bytes());
    let fields = events[0].as_ref().expect("a good frame");
    assert_eq!(fields["post.media[1].url"], "b");
    assert!(!fields.contains_key("post.media[2]"));
    assert_eq!(fields["field_errors"], "1");
    assert!(fields["field_error"].starts_with("OutOfRange@"));
}

#[test]
fn a_batch_gives_one_answer_an_element() {
    let good = |id: u32| frame("tweet", "delete", &format!(r#"{{"tweetId":"{id}"}}"#));
    let batch = format!("[{}, 7, {}, [{{}}], {{}},{}]", good(1), good(2), good(3));
    let answers = decode(batch.as_bytes());
    let texts: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            Ok(fields) => fields["tweet_id"].clone(),
            Err(bad) => bad.to_string(),
        })
        .collect();
    let at = |text: &str| batch.find(text).expect("it is there");
    let expect = [
        "1".to_owned(),
        format!("not_an_object at byte {}", at("7,")),
        "2".to_owned(),
        format!("not_an_object at byte {}", at("[{}]")),
        format!("missing at byte {}", at("{},{")),
        "3".to_owned(),
    ];
    assert_eq!(texts, expect);
    assert_eq!(answers[2], decode(good(2).as_bytes())[0], "an element reads as it does alone");
}

#[test]
fn nothing_is_left_over_from_the_frame_before() {
    let mut decoder = Decoder::new(Limits::default());
    let full = frame(
        "tweet",
        "pin",
        r#"{"tweetId":"x1","eventId":"e","zone":1,"author":{"platform":"q"},"tweet":{"media":[{}],"tweetId":"2"},"text":"\n"}"#,
    );
    let small = frame("account", "callout", "{}");
    let alone = decode(small.as_bytes());
    for before in
        [full.as_str(), "", "{", &full[..full.len() - 1], &frame("tweet", "content", "{\"tweetId\":[]}")]
    {
        decode_with(&mut decoder, before.as_bytes());
        assert_eq!(decode_with(&mut decoder, small.as_bytes()), alone, "after {before}");
    }
}

#[test]
fn a_swapped_event_is_refilled_like_its_own() {
    let mut decoder = Decoder::new(Limits::default());
    let first = frame("tweet", "content", r#"{"tweetId":"1","text":"first","media":[{"url":"u"}]}"#);
    let second = frame("tweet", "content", r#"{"tweetId":"2","text":"second \u00e9"}"#);
    let mut kept = stoop_model::Event::default();
    decoder.decode(first.as_bytes(), |event| std::mem::swap(event.expect("a good frame"), &mut kept));
    assert_eq!(decode_with(&mut decoder, second.as_bytes()), decode(second.as_bytes()));
    assert_eq!(list(&crate::show::show(&kept)), list(&one(&first)));
}

#[test]
fn a_decoder_moves_between_threads() {
    fn check<T: Send>() {}
    check::<Decoder>();
}
