//! The few messages of `event.proto` and `summary.proto` that scalars need, in protobuf's wire format.

/// Wire types.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH: u8 = 2;
const FOUR_BYTES: u8 = 5;

/// The first event of a file.
pub(super) fn file_version(time: f64) -> Vec<u8> {
    let mut event = wall_time(time);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// An event with scalars: `Event { wall_time, step, summary: Summary { value: [Value { tag, simple_value }] } }`.
pub(super) fn scalars(time: f64, step: u64, values: &[(String, f32)]) -> Vec<u8> {
    let mut event = wall_time(time);
    if step > 0 {
        key(&mut event, 2, VARINT);
        varint(&mut event, step);
    }
    let mut summary = vec![];
    for (tag, value) in values {
        let mut message = vec![];
        bytes(&mut message, 1, tag.as_bytes());
        key(&mut message, 2, FOUR_BYTES);
        message.extend(value.to_le_bytes());
        bytes(&mut summary, 1, &message);
    }
    bytes(&mut event, 5, &summary);
    event
}

fn wall_time(time: f64) -> Vec<u8> {
    let mut event = vec![];
    key(&mut event, 1, EIGHT_BYTES);
    event.extend(time.to_le_bytes());
    event
}

fn key(message: &mut Vec<u8>, field: u8, wire: u8) {
    message.push(field << 3 | wire);
}

fn bytes(message: &mut Vec<u8>, field: u8, content: &[u8]) {
    key(message, field, LENGTH);
    varint(message, content.len() as u64);
    message.extend(content);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::record::framed;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).expect("digits");
            u8::from_str_radix(text, 16).expect("a byte")
        };
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn records_are_those_of_pytorchs_summary_writer() {
        // Steps 0 and 3 of `SummaryWriter.add_scalar("loss/train", 1 / (step + 1), step, walltime=1000 + step)`.
        let first =
            "2000 0000 0000 0000 29ed a950 09 00 0000 0000 488f 4010 012a 130a 110a 0a6c 6f73 732f 7472 6169
            6e15 0000 003f bc1a 4340";
        let scalar = |value: f32| [("loss/train".to_string(), value)];
        assert_eq!(framed(&scalars(1001.0, 1, &scalar(0.5))), hex(first));
        let zeroth =
            "1e00 0000 0000 0000 d9dc 1232 0900 0000 0000 408f 402a 130a 110a 0a6c 6f73 732f 7472 6169 6e15
            0000 803f 9160 108a";
        assert_eq!(framed(&scalars(1000.0, 0, &scalar(1.0))), hex(zeroth));
    }

    #[test]
    fn long_lengths_and_steps_take_several_bytes() {
        let mut message = vec![];
        varint(&mut message, 300);
        varint(&mut message, u64::MAX);
        assert_eq!(message[..2], [0xAC, 0x02]);
        assert_eq!(message.len(), 2 + 10);
    }
}
