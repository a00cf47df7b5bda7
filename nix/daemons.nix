# The programs that ship: dependencies are built once, then each program by itself, static, for musl.
{
  pkgs,
  craneLib,
  sources,
}: let
  inherit (pkgs) lib;
  target = "x86_64-unknown-linux-musl";
  variable = lib.toUpper (builtins.replaceStrings ["-"] ["_"] target);
  # ring brings C.
  cc = "${pkgs.pkgsCross.musl64.stdenv.cc}/bin/${target}-cc";
  # Those of `PROGRAMS` in crates/xtask/src/stage.rs.
  names = ["gateway" "cap-fs" "llmbasedos" "luca-shell"];
  # Each build names all packages, so that what they share has the same features in all of them and is built once.
  packages = lib.concatMapStrings (name: " --package ${name}") names;

  common = {
    src = sources.cargo;
    inherit (sources) version;
    cargoVendorDir = craneLib.vendorCargoDeps {src = sources.cargo;};
    strictDeps = true;
    # The tests are in checks.nix, where they are not run on every build of a program.
    doCheck = false;
    env = {
      CARGO_BUILD_TARGET = target;
      "CARGO_TARGET_${variable}_LINKER" = cc;
      "CC_${builtins.replaceStrings ["-"] ["_"] target}" = cc;
      # As `FLAGS` in crates/xtask/src/dist.rs, which says why.
      "CARGO_TARGET_${variable}_RUSTFLAGS" = lib.concatStringsSep " " [
        "-C target-feature=+crt-static"
        "-C relocation-model=pie"
        "-C link-arg=-Wl,-z,relro,-z,now"
        "--cfg getrandom_backend=\"linux_getrandom\""
      ];
    };
  };
  dependencies = craneLib.buildDepsOnly (common
    // {
      pname = "llmbasedos";
      cargoExtraArgs = "--locked${packages}";
    });
  program = packages: name:
    craneLib.buildPackage (common
      // {
        pname = name;
        cargoArtifacts = dependencies;
        cargoExtraArgs = "--locked${packages} --bin ${name}";
        # What ships starts without any other file: no program interpreter, no library.
        doInstallCheck = true;
        installCheckPhase = ''
          headers=$($READELF --wide --program-headers --dynamic "$out/bin/${name}")
          if grep --extended-regexp 'INTERP|NEEDED|RUNPATH|RPATH' <<<"$headers"; then
            echo "${name} is not static" >&2
            exit 1
          fi
        '';
        meta.mainProgram = name;
      });
  each = lib.genAttrs names (program packages);
in
  each
  // {
    # What `cargo xtask up` runs them by; the container begins with it.
    bringup = program "${packages} --package bringup" "bringup";
    # Side by side, as `cargo xtask profile --programs` takes them.
    programs = pkgs.runCommand "llmbasedos-programs" {} (
      "mkdir -p $out/bin\n" + lib.concatMapStrings (name: "cp ${each.${name}}/bin/${name} $out/bin/\n") names
    );
  }
