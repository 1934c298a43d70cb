//! Decoding of the payload of a compressed message.

use tungstenite::Error;

use super::{Decoded, Decoder, at_hand};
use crate::codec::{
    assembler::{Assembler, MessageKind, Outlook},
    input,
};

/// The number of compressed bytes that are inflated in one step.
const MAX_COMPRESSED: usize = 4096;

impl Decoder {
    /// Inflates some of the data that has arrived.
    pub(super) fn inflate(&mut self, kind: MessageKind, input: &mut &mut [u8]) -> Result<Decoded, Error> {
        let assembled = self.assembled();
        let Some(frame) = &mut self.frame else { return Ok(Decoded::Progress) };
        // The input is unmasked once, in place. The part that the inflater does not use is still
        // there, unmasked, at the next step.
        if self.ahead == 0 {
            let len = at_hand(frame, input).min(MAX_COMPRESSED);
            frame.mask.apply(&mut input[..len]);
            self.ahead = len as u16;
        }
        if self.ahead == 0 && frame.rest > 0 && !self.is_inflating {
            return Ok(Decoded::Starved);
        }
        let piece = &input[..input.len().min(self.ahead.into())];
        let is_last = frame.is_final && piece.len() as u64 == frame.rest;
        let (limits, message) = (&self.limits, &mut self.message);
        // The length of a compressed frame does not limit the length of the message.
        let outlook = Outlook { announced: 0, max: limits.max_message_size };
        let mut whole = None;
        let (room, in_pieces) = (frame.room, self.in_pieces);
        let inflated = self.inflater.inflate(
            piece,
            is_last,
            room.min(outlook.max - assembled),
            |inflated, is_done| {
                limits.check_inflated(inflated.len(), room, assembled)?;
                frame.room -= inflated.len();
                if is_done && message.is_none() {
                    whole = Some(kind.message(inflated)?);
                } else if !inflated.is_empty() {
                    let outlook =
                        if in_pieces { Outlook::of_piece(assembled + inflated.len()) } else { outlook };
                    message.get_or_insert_with(|| Box::new(Assembler::new(kind))).push(inflated, outlook)?;
                }
                Ok(())
            },
        )?;
        input::take(input, inflated.consumed);
        self.ahead -= inflated.consumed as u16;
        frame.rest -= inflated.consumed as u64;
        self.is_inflating = inflated.is_full;
        if let Some(message) = whole {
            self.frame = None;
            self.open = None;
            return Ok(Decoded::Message(message));
        }
        // The input of a frame may be used up while the inflater still has output.
        let is_over = inflated.is_done || frame.rest == 0 && !frame.is_final && !inflated.is_full;
        if in_pieces {
            return Ok(self.piece(is_over)?.map_or(Decoded::Progress, Decoded::Message));
        }
        if is_over {
            return self.end_frame();
        }
        Ok(Decoded::Progress)
    }
}
