//! The payload of a meta frame: text in pictures and detected assets.

use simd_json::Node;
use stoop_model::{
    ASSET_FIELDS, AssetField, Bad, Detected, DetectedClass, Event, Filling, PostField, Span, TweetId,
};

use crate::members::members;
use crate::reader::Reader;

/// Reads the payload of a meta frame and sets its tweet.
pub(crate) fn meta(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    event: &mut Event,
    id: &mut Option<TweetId>,
) -> Result<(), Bad> {
    members!(reader, object, member, {
        b"tweetId" => *id = Some(reader.tweet_id(member)?),
        b"receivedAt" => {
            reader.cut_out(member);
            event.received_ms = reader.int(member);
        },
        b"ocr" => {
            if let Some(object) = reader.deciding_object(member)? {
                ocr(reader, object, event)?;
            }
        },
        b"detected" => {
            if let Some(object) = reader.deciding_object(member)? {
                detected(reader, object, &mut event.detected)?;
            }
        },
    });
    Ok(())
}

fn ocr(reader: &mut Reader<'_>, object: &[Node<'_>], event: &mut Event) -> Result<(), Bad> {
    members!(reader, object, member, {
        b"text" => {
            if let Some(span) = reader.deciding_text(member)? {
                event.post.body.set_span(PostField::OcrText, span);
            }
        },
    });
    Ok(())
}

fn detected(reader: &mut Reader<'_>, object: &[Node<'_>], detected: &mut Vec<Detected>) -> Result<(), Bad> {
    let (mut tokens, mut cex, mut prediction) = (None, None, None);
    members!(reader, object, member, {
        b"tokens" => tokens = reader.list(member)?.map(|items| (member, items)),
        b"cex" => cex = reader.list(member)?.map(|items| (member, items)),
        b"prediction" => prediction = reader.list(member)?.map(|items| (member, items)),
    });
    let lists =
        [(DetectedClass::Token, tokens), (DetectedClass::Cex, cex), (DetectedClass::Prediction, prediction)];
    for (class, list) in lists {
        if let Some((member, items)) = list {
            reader.objects(member, items, |reader, object| {
                // Filled where it lies: a copy would wait for the parts it was made of.
                let at = detected.len();
                detected.push(Detected::new(class));
                asset(reader, object, &mut detected[at])
            })?;
        }
    }
    Ok(())
}

fn asset(reader: &mut Reader<'_>, object: &[Node<'_>], asset: &mut Detected) -> Result<(), Bad> {
    let Detected { class, fields, price } = asset;
    let (class, to) = (*class, &mut fields.fill());
    members!(reader, object, member, {
        b"symbol" => text(to, AssetField::Symbol, reader.text(member)),
        b"name" => text(to, AssetField::Name, reader.text(member)),
        b"contract" => text(to, AssetField::Contract, reader.text(member)),
        b"chain" => text(to, AssetField::Chain, reader.text(member)),
        b"networkId" => text(to, AssetField::NetworkId, reader.id(member)),
        b"exchange" => {
            let known = |text: &[u8]| is_exchange(text, class);
            text(to, AssetField::Exchange, reader.choice(member, known));
        },
        b"baseAsset" => text(to, AssetField::Base, reader.text(member)),
        b"quoteAsset" => text(to, AssetField::Quote, reader.text(member)),
        b"marketId" => text(to, AssetField::MarketId, reader.id(member)),
        b"title" => text(to, AssetField::Title, reader.text(member)),
        b"url" => text(to, AssetField::Url, reader.text(member)),
        b"priceUsd" => *price = reader.price(member),
        b"sources" => text(to, AssetField::Sources, reader.sources(member)),
    });
    Ok(())
}

fn is_exchange(text: &[u8], class: DetectedClass) -> bool {
    match class {
        DetectedClass::Token | DetectedClass::Cex => {
            text == b"bybit" || text == b"binance" || text == b"hyperliquid"
        }
        DetectedClass::Prediction => text == b"polymarket" || text == b"kalshi",
    }
}

#[inline]
fn text(fields: &mut Filling<'_, AssetField, ASSET_FIELDS>, field: AssetField, span: Option<Span>) {
    if let Some(span) = span {
        fields.set_span(field, span);
    }
}
