//! The appliance as the conformance suite meets it: with the fixture behind the gateway, and a proxy before it that shows
//! the key. `cargo xtask conformance` starts it.
//!
//! Once all of it runs, it prints the URL. It ends, and takes its folder with it, when its standard input does.

use std::error::Error;
use std::io::{Read, Write};

use testkit::{Appliance, KeyProxy};

fn main() -> Result<(), Box<dyn Error>> {
    let appliance = Appliance::new().start();
    let _server = appliance.conformance_server();
    let proxy = KeyProxy::start(appliance.port(), &appliance.facts().key);
    writeln!(std::io::stdout(), "http://127.0.0.1:{}/mcp", proxy.port())?;
    // Nothing is ever sent.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
