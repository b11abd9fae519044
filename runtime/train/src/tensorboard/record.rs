//! The frame around each record: its length, and checksums of the length and of what follows it.

/// A record: eight bytes of length, the length's checksum, the payload, the payload's checksum.
pub(super) fn framed(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked(crc32c(&length)).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(masked(crc32c(payload)).to_le_bytes());
    bytes
}

/// Bytes of each whole record from the beginning on, up to the first that is damaged.
pub(super) fn lengths(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
        let payload = rest.get(12..length.checked_add(12)?)?;
        let whole = framed(payload);
        rest = rest.strip_prefix(whole.as_slice())?;
        Some(whole.len())
    })
}

/// The format masks checksums, since a checksum of data that holds checksums is weak.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// CRC-32C (Castagnoli), polynomial 0x1EDC6F41, bits reversed.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[usize::from((crc as u8) ^ byte)])
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn damaged_records_end_the_sequence() {
        let mut bytes = [framed(b"one"), framed(b""), framed(b"three")].concat();
        assert_eq!(lengths(&bytes).collect::<Vec<_>>(), [19, 16, 21]);
        assert_eq!(lengths(&bytes[..bytes.len() - 1]).count(), 2);
        bytes[13] ^= 1;
        assert_eq!(lengths(&bytes).count(), 0);
        assert_eq!(lengths(&u64::MAX.to_le_bytes()).count(), 0);
    }
}
