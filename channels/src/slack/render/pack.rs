//! Packing pieces into as few messages as Slack's limits allow.

use serde_json::Value;

use super::piece::Piece;
use super::{Message, fallback};
use crate::slack::limits;

/// Packs groups into messages, in order. A group stays in one message where it fits into one.
pub(super) fn pack(groups: Vec<Vec<Piece>>) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut current = Load::default();
    for group in groups {
        let whole = Load::of(&group);
        if !current.takes(&whole) && Load::default().takes(&whole) {
            messages.push(std::mem::take(&mut current));
        }
        for piece in group {
            if !current.takes(&Load::of(std::slice::from_ref(&piece))) {
                messages.push(std::mem::take(&mut current));
            }
            current.add(piece);
        }
    }
    messages.push(current);
    messages
        .into_iter()
        .filter(|load| !load.pieces.is_empty())
        .map(Load::message)
        .collect()
}

/// What a message holds.
#[derive(Debug, Default)]
struct Load {
    pieces: Vec<Piece>,
    blocks: usize,
    weight: usize,
    text: usize,
}

impl Load {
    /// The load of some pieces, without them.
    fn of(pieces: &[Piece]) -> Self {
        let mut load = Self::default();
        for piece in pieces {
            load.count(piece);
        }
        load
    }

    fn count(&mut self, piece: &Piece) {
        self.blocks += piece.blocks;
        self.weight += piece.weight;
        self.text += limits::length(&piece.text) + 1;
    }

    fn add(&mut self, piece: Piece) {
        self.count(&piece);
        self.pieces.push(piece);
    }

    /// Whether there is room for more. One block is left for the choice that a tap adds.
    fn takes(&self, more: &Self) -> bool {
        self.blocks + more.blocks < limits::BLOCKS
            && self.weight + more.weight <= limits::BLOCKS_TEXT
            && self.text + more.text <= limits::MESSAGE_TEXT
    }

    fn message(self) -> Message {
        let blocks: Vec<Value> = self.pieces.into_iter().map(|piece| piece.block).collect();
        Message {
            text: fallback(&blocks),
            blocks,
        }
    }
}
