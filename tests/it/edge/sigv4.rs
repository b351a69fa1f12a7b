//! SigV4, once more and independently: checks that a request was signed with the bytes that came with it.
//! (AWS General Reference, "Create a signed AWS API request".)

use super::server::Seen;

/// Whether the signature of `request` is right for `secret`.
pub fn signed_with(request: &Seen, secret: &str) -> bool {
    let Some(authorization) = request.header("authorization") else { return false };
    let Some(rest) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else { return false };
    let field = |name: &str| rest.split(", ").find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    let scope = field("Credential=").split_once('/').map(|(_, scope)| scope).unwrap_or_default();
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut canonical = format!("{}\n{}\n{query}\n", request.method, encode_path(path));
    for name in field("SignedHeaders=").split(';') {
        canonical.push_str(&format!("{name}:{}\n", request.header(name).unwrap_or_default()));
    }
    canonical.push_str(&format!("\n{}\n{}", field("SignedHeaders="), hex(&sha256(&request.body))));
    let date = request.header("x-amz-date").unwrap_or_default();
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part.as_bytes()).to_vec();
    }
    hex(&hmac(&key, to_sign.as_bytes())) == field("Signature=")
}

/// The hashes of the standards' own examples come out right (FIPS 180-4, RFC 4231).
pub fn knows_its_own_vectors() -> bool {
    hex(&sha256(b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        && hex(&hmac(b"Jefe", b"what do ya want for nothing?"))
            == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
}

/// The path as all services but S3 sign it: every segment encoded once more.
fn encode_path(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = sha256(&[&pad(0x36)[..], text].concat());
    sha256(&[&pad(0x5c)[..], &inner[..]].concat())
}

/// SHA-256 (FIPS 180-4). Its constants are the first 32 bits of the fractional parts of the roots of the first primes.
fn sha256(text: &[u8]) -> [u8; 32] {
    let primes: Vec<u64> = (2_u64..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    let fraction = |root: f64| ((root - root.floor()) * 4_294_967_296.0) as u32;
    let k: Vec<u32> = primes[..64].iter().map(|p| fraction(cube_root(*p))).collect();
    let mut h: Vec<u32> = primes[..8].iter().map(|p| fraction((*p as f64).sqrt())).collect();
    let mut padded = text.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
        for i in 16..64 {
            let a = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let b = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(a).wrapping_add(w[i - 7]).wrapping_add(b));
        }
        let mut v = h.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0.wrapping_add(majority));
        }
        for (sum, word) in h.iter_mut().zip(v) {
            *sum = sum.wrapping_add(word);
        }
    }
    let bytes: Vec<u8> = h.into_iter().flat_map(u32::to_be_bytes).collect();
    bytes.try_into().unwrap()
}

fn cube_root(n: u64) -> f64 {
    let root = (n as f64).cbrt();
    // One Newton step: `cbrt` may be off in the last place, and the constants need 32 bits of the fraction.
    root - (root * root * root - n as f64) / (3.0 * root * root)
}
