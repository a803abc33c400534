/// 32 bytes from the operating system.
pub fn random_key() -> Vec<u8> {
    let mut key = vec![0; 32];
    // Without entropy nothing that Baseplate makes would be secret: better to stop than to go on.
    getrandom::fill(&mut key).unwrap_or_else(|error| panic!("the operating system gives no random bytes: {error}"));
    key
}
