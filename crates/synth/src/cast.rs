//! The accounts that post: invented, and marked as such in every handle and bio.

use super::json::Json;
use crate::dice::Dice;

/// What an account posts about, which decides the words it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Exchange,
    Founder,
    News,
    Politics,
    Meme,
}

/// One account with everything that the feed says about it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) beat: Beat,
    pub(super) truth_social: bool,
    pub(super) id: u64,
    /// Without the `@`.
    pub(super) handle: String,
    pub(super) name: String,
    pub(super) bio: String,
    pub(super) location: Option<&'static str>,
    pub(super) url: Option<String>,
    image: String,
    banner: Option<String>,
    /// Most authors name their platform although it is the default.
    platform: Option<&'static str>,
    followers: u64,
    following: u64,
    joined_ms: u64,
    likes: Option<u64>,
    tweets: Option<u64>,
    verified: Option<&'static str>,
    label: Option<(Option<String>, String, Option<String>)>,
    /// How often it posts, relative to the others.
    pub(super) weight: u64,
}

/// Handle, name, beat, weight, verified. On X a handle has at most 15 characters.
const TWITTER: &[(&str, &str, Beat, u64, &str)] = &[
    ("SynBinance", "Synthetic Binance Desk", Beat::Exchange, 6, "business"),
    ("SynBybit", "Synthetic Bybit Desk", Beat::Exchange, 5, "business"),
    ("SynHyperDex", "Synthetic Hyper Dex", Beat::Exchange, 4, "business"),
    ("SynKraken", "Synthetic Kraken Room", Beat::Exchange, 3, "business"),
    ("SynListings", "Synthetic Listings Wire", Beat::Exchange, 6, "blue"),
    ("SynCoinDesk", "Synthetic Coin Bureau", Beat::News, 8, "business"),
    ("SynWire", "Synthetic Wire", Beat::News, 10, "business"),
    ("SynMarkets", "Synthetic Markets Live", Beat::News, 10, "blue"),
    ("SynMacro", "Synthetic Macro Notes", Beat::News, 6, "blue"),
    ("SynTokyo", "合成ニュース東京", Beat::News, 4, "blue"),
    ("SynMoskva", "Синтетические новости", Beat::News, 3, "none"),
    ("SynGulf", "أخبار اصطناعية", Beat::News, 3, "none"),
    ("SynHeadlines", "Synthetic Headlines", Beat::News, 8, "blue"),
    ("SynFounderA", "Ada Synth", Beat::Founder, 8, "blue"),
    ("SynFounderB", "Boris Synth", Beat::Founder, 5, "blue"),
    ("SynFounderC", "Chen Synth 陈", Beat::Founder, 5, "blue"),
    ("SynFounderD", "Dara Synth", Beat::Founder, 4, "none"),
    ("SynRocketMan", "Rocket Synth 🚀", Beat::Founder, 12, "blue"),
    ("SynEthDev", "Synthetic Ether Dev", Beat::Founder, 4, "none"),
    ("SynSolDev", "Synthetic Sol Dev", Beat::Founder, 4, "blue"),
    ("SynVC", "Synthetic Capital", Beat::Founder, 3, "business"),
    ("SynSenator", "Senator Synth", Beat::Politics, 4, "government"),
    ("SynTreasury", "Synthetic Treasury", Beat::Politics, 3, "government"),
    ("SynRegulator", "Synthetic Securities Office", Beat::Politics, 3, "government"),
    ("SynMinister", "Minister Synth", Beat::Politics, 2, "government"),
    ("SynCentral", "Synthetic Central Bank", Beat::Politics, 2, "government"),
    ("SynGems", "Synthetic Gem Calls 💎", Beat::Meme, 9, "blue"),
    ("SynDegen", "Degen Synth", Beat::Meme, 10, "none"),
    ("SynFrog", "Synthetic Frog 🐸", Beat::Meme, 7, "none"),
    ("SynDogPack", "Synthetic Dog Pack 🐕", Beat::Meme, 7, "blue"),
    ("SynPumpWatch", "Synthetic Pump Watch", Beat::Meme, 8, "none"),
    ("SynWhales", "Synthetic Whale Log 🐋", Beat::Meme, 7, "blue"),
    ("SynAlphaCat", "Alpha Cat (synthetic)", Beat::Meme, 5, "none"),
    ("SynMoonMath", "Moon Math (synthetic)", Beat::Meme, 5, "none"),
    ("SynChartGuy", "Synthetic Chart Guy", Beat::Meme, 6, "blue"),
    ("SynAirdrop", "Synthetic Airdrop News", Beat::Meme, 5, "none"),
    ("SynNftCorner", "Synthetic NFT Corner", Beat::Meme, 3, "none"),
];

const TRUTH_SOCIAL: &[(&str, &str, Beat, u64, &str)] = &[
    ("SynPresident", "President Synth", Beat::Politics, 7, "none"),
    ("SynTruthDesk", "Synthetic Truth Desk", Beat::News, 4, "none"),
    ("SynCampaign", "Synthetic Campaign", Beat::Politics, 2, "none"),
];

const LOCATIONS: &[&str] =
    &["Singapore", "New York, NY", "東京", "Zürich", "Dubai, UAE", "Remote", "Washington, DC", "London"];
const HEX: &str = "0123456789abcdef";

/// Invents the accounts of a seed.
pub(super) fn accounts(dice: &mut Dice) -> Vec<Account> {
    let twitter = TWITTER.iter().map(|entry| (entry, false));
    let truth = TRUTH_SOCIAL.iter().map(|entry| (entry, true));
    twitter.chain(truth).map(|(entry, truth_social)| account(dice, entry, truth_social)).collect()
}

fn account(dice: &mut Dice, entry: &(&str, &str, Beat, u64, &'static str), truth_social: bool) -> Account {
    let &(handle, name, beat, weight, verified) = entry;
    let image_host =
        if truth_social { "static-assets-1.truthsocial.com/tmtg:synthetic" } else { "pbs.twimg.com" };
    let lower = handle.to_lowercase();
    let id = if truth_social { 107_780_000_000_000_000 + dice.below(1 << 40) } else { account_id(dice) };
    let bio = format!(
        "Synthetic test account: no person, no company, every word is generated. {}",
        bio(dice, beat)
    );
    let site = format!("https://{lower}.example");
    let label = (verified == "business" || dice.chance(100)).then(|| {
        let badge = dice
            .chance(700)
            .then(|| format!("https://pbs.twimg.com/semantic_core_img/{}/badge", dice.below(1 << 50)));
        let url = dice.chance(500).then(|| site.clone());
        (badge, format!("Synthetic affiliate of {name}"), url)
    });
    Account {
        beat,
        truth_social,
        id,
        handle: handle.to_owned(),
        name: name.to_owned(),
        bio,
        location: dice.chance(700).then(|| *dice.pick(LOCATIONS)),
        url: dice.chance(700).then_some(site),
        image: format!("https://{image_host}/profile_images/{id}/{}_400x400.jpg", dice.word(HEX, 8)),
        banner: dice
            .chance(600)
            .then(|| format!("https://{image_host}/profile_banners/{id}/{}", dice.below(1 << 31))),
        platform: if truth_social { Some("truth_social") } else { dice.chance(700).then_some("twitter") },
        followers: dice.draw(&[
            (0, 300),
            (300, 9_000),
            (700, 400_000),
            (950, 9_000_000),
            (1000, 190_000_000),
        ]),
        following: dice.between(0, 4_000),
        joined_ms: dice.between(1_230_000_000_000, 1_700_000_000_000),
        likes: dice.chance(800).then(|| dice.below(200_000)),
        tweets: dice.chance(900).then(|| dice.between(40, 180_000)),
        verified: (!truth_social && (verified != "none" || dice.chance(500))).then_some(verified),
        label,
        weight,
    }
}

/// Old accounts have small ids, newer ones snowflakes.
fn account_id(dice: &mut Dice) -> u64 {
    if dice.chance(500) {
        dice.between(12_000_000, 3_000_000_000)
    } else {
        dice.between(900_000_000_000_000_000, 1_850_000_000_000_000_000)
    }
}

fn bio(dice: &mut Dice, beat: Beat) -> &'static str {
    let bios: &[&str] = match beat {
        Beat::Exchange => &[
            "Made-up listings, delistings and maintenance notices. Nothing here is an offer.",
            "Invented exchange desk | spot, perps and earn | status page below 👇",
        ],
        Beat::Founder => &[
            "Building things that do not exist. Opinions are generated.",
            "Founder of an imaginary chain. gm ☀️ | ex-nowhere | she/they",
        ],
        Beat::News => &[
            "Invented headlines, faster than the real ones.",
            "速報 | breaking | срочно — all made up, 24/7",
        ],
        Beat::Politics => {
            &["Statements from an office that is not there.", "Public servant of nowhere. Imprint below."]
        }
        Beat::Meme => &[
            "not financial advice, not even a person 🐸",
            "calling tops and bottoms of coins that are not there \"daily\"",
        ],
    };
    bios[dice.index(bios.len())]
}

impl Account {
    /// Writes the account as an author or actor object.
    pub(super) fn write(&self, json: &mut Json, name: &str, actor: bool) {
        json.object(name);
        json.id("id", self.id);
        json.string("handle", &format!("@{}", self.handle));
        json.string("name", &self.name);
        json.optional("platform", self.platform);
        json.string("profileImage", &self.image);
        json.optional("banner", self.banner.as_deref());
        json.string("bio", &self.bio);
        json.optional("location", self.location);
        json.optional("url", self.url.as_deref());
        json.number("followersCount", self.followers);
        json.number("followingCount", self.following);
        json.number("joinedAt", self.joined_ms);
        if self.likes.is_some() || self.tweets.is_some() {
            json.object("metrics");
            for (name, count) in [("likes", self.likes), ("tweets", self.tweets)] {
                if let Some(count) = count {
                    json.number(name, count);
                }
            }
            json.end_object();
        }
        json.optional("verifiedType", self.verified);
        if let Some((badge, description, url)) = &self.label {
            json.object("verifiedLabel");
            json.nullable("badge", badge.as_deref());
            json.string("description", description);
            json.nullable("url", url.as_deref());
            json.end_object();
        }
        if actor {
            json.optional("websiteUrl", self.url.as_deref());
        }
        json.end_object();
    }

    /// Writes only what a short reference holds.
    pub(super) fn write_short(&self, json: &mut Json, name: &str) {
        json.object(name);
        json.id("id", self.id);
        json.string("handle", &format!("@{}", self.handle));
        json.string("name", &self.name);
        json.optional("platform", self.platform);
        json.end_object();
    }

    /// The link to one of its posts.
    pub(super) fn link(&self, tweet_id: u64) -> String {
        if self.truth_social {
            format!("https://truthsocial.com/@{}/posts/{tweet_id}", self.handle)
        } else {
            format!("https://x.com/{}/status/{tweet_id}", self.handle)
        }
    }
}
