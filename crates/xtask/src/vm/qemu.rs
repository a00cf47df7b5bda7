//! QEMU, started with what a test machine has, and ended with us.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::image::Image;
use super::trees::Trees;

/// Memory of the machine, in MiB: the smallest that the appliance is made for.
const MEMORY: u32 = 1024;
/// As many as the machines have on which it is tested.
const PROCESSORS: u32 = 2;
/// The port of the gateway, in the machine.
const GATEWAY_PORT: u16 = 8000;

/// What a machine boots by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// None: QEMU puts the kernel and its words into memory, which is soonest.
    #[default]
    None,
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

/// What the owner of a machine says of plain HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Private networks may speak it, of which QEMU's is one.
    #[default]
    Private,
    /// Nothing: the machine itself may.
    Unsaid,
}

/// What a machine is to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// What it boots by: QEMU itself the test image, firmware what it finds.
    pub(crate) firmware: Firmware,
    /// A medium in the drive: firmware boots it before any disk.
    pub(crate) medium: Option<PathBuf>,
    /// Whether that drive reads disks, as most do today, or else compact discs.
    pub(crate) medium_is_disk: bool,
    /// Disks, besides, and whether they can be written.
    pub(crate) disks: Vec<(PathBuf, bool)>,
    /// The processor, by QEMU's name; one that has everything where none is named.
    pub(crate) processor: Option<&'static str>,
    /// A disk that keeps what is written, else it is kept in memory.
    pub(crate) data: Option<PathBuf>,
    /// No network card.
    pub(crate) offline: bool,
    /// From where its gateway takes plain HTTP.
    pub(crate) plain: Plain,
    /// Further words for the kernel.
    pub(crate) words: Vec<&'static str>,
    /// A person is at it: their terminal is its serial port, and no test drives it.
    pub(crate) attended: bool,
}

/// A running QEMU. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Qemu {
    process: Child,
    /// The port on this machine that leads to the gateway's.
    pub(crate) port: u16,
}

/// The files of a run, in a folder whose path is short: a UNIX socket's may have 107 bytes.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) qmp: PathBuf,
    pub(crate) channel: PathBuf,
    pub(crate) serial: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) variables: PathBuf,
}

impl Files {
    pub(crate) fn of(folder: &Path) -> Self {
        let [qmp, channel, serial, log, variables] =
            ["qmp", "channel", "serial.log", "qemu.log", "variables.fd"]
                .map(|name| folder.join(name));
        Self { qmp, channel, serial, log, variables }
    }
}

impl Qemu {
    /// Starts it. What it says of itself goes into a file, since it is of interest only when it fails.
    pub(crate) fn start(
        trees: &Trees,
        image: &Image,
        options: &Options,
        files: &Files,
        port: Option<u16>,
    ) -> Result<Self> {
        let port = port.map_or_else(free_port, Ok)?;
        let mut command = command(trees, image, options, files, port)?;
        if options.attended {
            command.args(["-serial", "mon:stdio"]);
        } else {
            command.arg("-serial").arg(prefixed("file:", &files.serial));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&files.log)?);
        }
        let process = command.spawn().context("start QEMU")?;
        Ok(Self { process, port })
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// Waits until it has, however long that takes.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn command(
    trees: &Trees,
    image: &Image,
    options: &Options,
    files: &Files,
    port: u16,
) -> Result<Command> {
    let program = trees.command("usr/bin/qemu-system-x86_64");
    // So it ends with us however we end: whoever interrupts a test leaves no machine behind.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program.get_program()).args(program.get_args());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for folder in ["usr/share/qemu", "usr/share/seabios"] {
        command.arg("-L").arg(trees.tools().join(folder));
    }
    command.args(["-nodefaults", "-no-user-config", "-no-reboot", "-machine", "pc,usb=off"]);
    // Without KVM, which not every machine has that tests: emulation is everywhere the same.
    command.args(["-accel", "tcg,thread=multi,tb-size=512"]);
    command.args(["-cpu", options.processor.unwrap_or("max")]);
    command.args(["-smp", &PROCESSORS.to_string(), "-m", &MEMORY.to_string()]);
    command.args(["-display", "none", "-vga", "std"]);
    match options.firmware {
        Firmware::None => {
            command.arg("-kernel").arg(&image.kernel).arg("-initrd").arg(&image.initramfs);
            command.arg("-append").arg(words(options));
            let root = prefixed("if=virtio,format=raw,readonly=on,file=", &image.root);
            command.arg("-drive").arg(root);
        }
        Firmware::Bios => {}
        Firmware::Uefi => {
            let code = trees.tools().join("usr/share/OVMF/OVMF_CODE_4M.fd");
            command.arg("-drive").arg(prefixed("if=pflash,format=raw,readonly=on,file=", &code));
            // What firmware remembers: nothing, at first, as in a machine that was just bought.
            fs::copy(trees.tools().join("usr/share/OVMF/OVMF_VARS_4M.fd"), &files.variables)?;
            command.arg("-drive").arg(prefixed("if=pflash,format=raw,file=", &files.variables));
        }
    }
    if let Some(medium) = &options.medium {
        let drive = prefixed("if=none,id=medium,format=raw,readonly=on,file=", medium);
        command.arg("-drive").arg(drive);
        if options.medium_is_disk {
            command.args(["-device", "virtio-blk-pci,drive=medium,bootindex=0"]);
        } else {
            command.args(["-device", "virtio-scsi-pci"]);
            command.args(["-device", "scsi-cd,drive=medium,bootindex=0"]);
        }
    }
    for (disk, written) in &options.disks {
        let readonly = if *written { "off" } else { "on" };
        // What a test writes need not outlive the machine that tests.
        let drive = format!("if=virtio,format=raw,cache=unsafe,readonly={readonly},file=");
        command.arg("-drive").arg(prefixed(&drive, disk));
    }
    if let Some(data) = &options.data {
        // A person's must.
        let cache = if options.attended { "writeback" } else { "unsafe" };
        let drive = format!("if=virtio,format=raw,cache={cache},file=");
        command.arg("-drive").arg(prefixed(&drive, data));
    }
    for credential in credentials(options)? {
        command.args(["-smbios", &format!("type=11,value={credential}")]);
    }
    if !options.offline {
        // The guest reaches nobody; we reach its gateway.
        let user = format!("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:{GATEWAY_PORT}");
        command.args(["-netdev", &user, "-device", "virtio-net-pci,netdev=net,romfile="]);
    }
    let qmp = format!("unix:{},server=on,wait=off", files.qmp.display());
    command.args(["-qmp", &qmp]);
    let channel = format!("socket,id=channel,path={},server=on,wait=off", files.channel.display());
    command.args(["-chardev", &channel, "-device", "virtio-serial-pci"]);
    command.args(["-device", "virtserialport,chardev=channel,name=llmbasedos.channel"]);
    command.args(["-device", "virtio-rng-pci"]);
    Ok(command)
}

/// What systemd takes from the machine's firmware (systemd.system-credentials(7)): what its owner says of plain HTTP, and for
/// a test the end of the channel. So an image that is tested has nothing in it for tests.
fn credentials(options: &Options) -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vm-tests/channel");
    let text = |name: &str| {
        let path = root.join(name);
        fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))
    };
    let credential = |name: &str, text: &str| {
        format!("io.systemd.credential.binary:{name}={}", STANDARD.encode(text))
    };
    let mut credentials = Vec::new();
    if options.plain == Plain::Private {
        credentials.push(credential("llmbasedos.plain", "private"));
    }
    if !options.attended {
        let wants = "[Unit]\nWants=vm-channel.service\n";
        credentials.extend([
            credential("vm-channel", &text("serve")?),
            credential("systemd.extra-unit.vm-channel.service", &text("vm-channel.service")?),
            credential("systemd.unit-dropin.multi-user.target", wants),
        ]);
    }
    Ok(credentials)
}

fn words(options: &Options) -> String {
    let mut words = vec!["console=ttyS0", "mitigations=off", "panic=-1", "net.ifnames=0", "quiet"];
    if options.attended {
        // The console is the person's: the kernel writes to it when it cannot go on.
        words.extend(["loglevel=2", "systemd.wants=luca-shell@ttyS0.service"]);
    } else {
        words.push("systemd.show_status=0");
    }
    words.push("systemd.mask=serial-getty@ttyS0.service");
    if options.data.is_some() {
        words.push("llmbasedos.data");
    }
    words.extend(&options.words);
    words.join(" ")
}

fn prefixed(prefix: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(prefix);
    argument.push(path);
    argument
}

/// A port that nobody has: QEMU has no way to choose one itself and say which.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
