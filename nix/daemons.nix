# The programs as they ship: what they depend on is built once, then each by itself, static, with the flags of
# `crates/xtask/src/dist.rs`.
{
  pkgs,
  craneLib,
  source,
}: let
  target = "x86_64-unknown-linux-musl";
  programs = [
    "gateway"
    "cap-fs"
    "llmbasedos"
    "luca-shell"
    # Not in the image: it starts the others where there is no systemd.
    "bringup"
  ];
  cc = pkgs.pkgsStatic.stdenv.cc;
  common = {
    src = source;
    strictDeps = true;
    version = "0.1.0";
    # Crates with C or assembly in them are built for the same target.
    nativeBuildInputs = [cc];
    CARGO_BUILD_TARGET = target;
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER = "${cc}/bin/${cc.targetPrefix}cc";
    CC_x86_64_unknown_linux_musl = "${cc}/bin/${cc.targetPrefix}cc";
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS = builtins.concatStringsSep " " [
      "-C target-feature=+crt-static"
      "-C relocation-model=pie"
      "-C link-arg=-Wl,-z,relro,-z,now"
      "--cfg getrandom_backend=\"linux_getrandom\""
    ];
    # The tests are in `checks`, for the machine that runs them.
    doCheck = false;
  };
  named = builtins.concatStringsSep " " (map (name: "--package ${name}") programs);
  dependencies = craneLib.buildDepsOnly (
    common
    // {
      pname = "llmbasedos";
      cargoExtraArgs = "--locked ${named}";
    }
  );
  program = name:
    craneLib.buildPackage (
      common
      // {
        pname = name;
        cargoArtifacts = dependencies;
        cargoExtraArgs = "--locked --package ${name} --bin ${name}";
      }
    );
in
  pkgs.lib.genAttrs programs program
