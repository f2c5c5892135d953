//! What a configuration says of endpoints.

use stoop::Config;

fn error(text: &str) -> String {
    Config::parse("stoop.toml", text).expect_err("a mistake").to_string()
}

#[test]
fn endpoints_stand_in_place_of_the_url_each_under_a_name_of_its_own() {
    let text = "[[feed.endpoint]]\nurl = \"wss://a.example/ws\"\n[[feed.endpoint]]\nname = \"iad\"\nurl = \"wss://b.example/ws\"\n";
    let config = Config::parse("stoop.toml", text).unwrap();
    let shown: Vec<String> =
        config.endpoints.iter().map(|endpoint| format!("{} {}", endpoint.name, endpoint.shown())).collect();
    assert_eq!(shown, ["endpoint-1 wss://a.example:443/ws", "iad wss://b.example:443/ws"]);
    assert_eq!(Config::default().endpoints.len(), 1);
}

#[test]
fn mistakes_in_endpoints_are_told_with_their_place() {
    let one = "[[feed.endpoint]]\nname = \"a\"\nurl = \"wss://a.example/ws\"\n";
    for (text, expect) in [
        (format!("{one}{one}"), "stoop.toml:5:8: an endpoint named \"a\" stands above"),
        (format!("[feed]\nurl = \"wss://a.example/ws\"\n{one}"), "stoop.toml:2:7: either `url` or"),
        ("[[feed.endpoint]]\nname = \"a\"\n".to_owned(), "an endpoint needs a `url`"),
        (
            "[[feed.endpoint]]\nname = \" \"\nurl = \"wss://a.example\"\n".to_owned(),
            "stoop.toml:2:8: an endpoint's `name`",
        ),
        ("[[feed.endpoint]]\nurl = \"http://a.example\"\n".to_owned(), "stoop.toml:2:7: "),
        ("[[feed.endpoint]]\nurl = \"wss://a.example\"\n".repeat(9), "at most 8 endpoints, these are 9"),
    ] {
        let found = error(&text);
        assert!(found.contains(expect), "{found}\n{text}");
    }
}
