//! Payloads that are too large for one item: they are kept in pieces, which are items of their own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};

use super::Ledger;
use super::item::Item;
use crate::table::{self, TableError, number, text};

/// The longest payload that is kept in its entry, in bytes. DynamoDB takes 400 KB an item
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const LARGEST_PIECE: usize = 300_000;

impl Ledger {
    /// An entry as DynamoDB has it; what of it is too large for one item is put before.
    pub(super) async fn in_pieces(
        &self,
        mut item: Item,
    ) -> Result<HashMap<String, AttributeValue>, TableError> {
        if item.payload.len() > LARGEST_PIECE {
            let hash = Sha256::digest(&item.payload);
            item.pieces_of = hex::encode(hash.iter().take(8).copied().collect::<Vec<_>>());
            item.pieces = self.put_pieces(&item).await?;
            item.payload = String::new();
        }
        Ok(serde_dynamo::to_item(item)?)
    }

    /// Keeps a payload that is too large for one item in several, and returns how many.
    async fn put_pieces(&self, item: &Item) -> Result<usize, TableError> {
        let mut rest = item.payload.as_str();
        let mut pieces = 0;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(LARGEST_PIECE));
            let mut part = table::key(pieces_key(item), format!("{pieces:05}"));
            part.insert("piece".to_owned(), text(piece));
            part.insert("expires_at".to_owned(), number(item.expires_at));
            self.table.put(part).await?;
            pieces += 1;
            rest = after;
        }
        Ok(pieces)
    }

    /// Reads what of an entry's payload is kept in pieces.
    pub(super) async fn read_pieces(&self, item: &mut Item) -> Result<(), TableError> {
        for piece in 0..item.pieces {
            let piece = self
                .table
                .get(&pieces_key(item), &format!("{piece:05}"))
                .await?;
            let piece = piece
                .as_ref()
                .and_then(|piece| piece.get("piece"))
                .and_then(|piece| piece.as_s().ok());
            item.payload.push_str(piece.map_or("", String::as_str));
        }
        Ok(())
    }

    /// The keys of the pieces of an entry, as DynamoDB has it.
    #[must_use]
    pub fn keys_of_pieces(item: &table::Item) -> Vec<table::Item> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        let pieces = item.get("pieces").and_then(|pieces| pieces.as_n().ok());
        let pieces: usize = pieces.and_then(|count| count.parse().ok()).unwrap_or(0);
        let (Some(pk), Some(sk), Some(of)) = (text("pk"), text("sk"), text("pieces_of")) else {
            return Vec::new();
        };
        let pk = format!("pieces#{pk}#{sk}#{of}");
        let keys = (0..pieces).map(|piece| table::key(pk.as_str(), format!("{piece:05}")));
        keys.collect()
    }
}

fn pieces_key(item: &Item) -> String {
    format!("pieces#{}#{}#{}", item.pk, item.sk, item.pieces_of)
}
