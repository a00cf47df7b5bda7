# What `nix run .#NAME` does.
{
  pkgs,
  profile,
}: let
  lock = ./arch.lock.json;
  # mkarchiso as its project tags it: the tree's own hash, by `nix hash path` over `git archive v88`.
  archiso = pkgs.fetchFromGitHub {
    owner = "archlinux";
    repo = "archiso";
    rev = "v88";
    hash = "sha256-i251RraglIM6q2t7037P6r6xjnKklZUJPPRBHgznndY=";
  };
  mkarchiso = pkgs.runCommand "mkarchiso-88" {} ''
    install -D -m 755 ${archiso}/archiso/mkarchiso $out/bin/mkarchiso
    patchShebangs $out/bin
  '';
  # The locked packages in one folder, or nothing where nobody has locked them.
  packages =
    if builtins.pathExists lock
    then
      pkgs.linkFarm "arch-packages" (
        map (package: {
          name = baseNameOf package.url;
          path = pkgs.fetchurl {inherit (package) url sha256;};
        })
        (builtins.fromJSON (builtins.readFile lock)).packages
      )
    else "/nonexistent";
  app = name: runtimeInputs: text: {
    type = "app";
    program = "${pkgs.writeShellApplication {inherit name runtimeInputs text;}}/bin/${name}";
  };
  # In a checkout: they build what is there, with the toolchain of the dev shell.
  xtask = command: app "llmbasedos-${command}" [] ''exec nix develop --command cargo xtask ${command} "$@"'';
in {
  up = xtask "up";
  vm = xtask "vm";
  lock-arch =
    app "lock-arch"
    [
      pkgs.coreutils
      pkgs.fakeroot
      pkgs.gnused
      pkgs.jq
      pkgs.pacman
    ]
    ''
      exec bash ${./lock-arch.sh} ${../archiso} "''${1:-nix/arch.lock.json}"
    '';
  iso =
    app "iso"
    [
      mkarchiso
      pkgs.arch-install-scripts
      pkgs.bash
      pkgs.coreutils
      pkgs.dosfstools
      pkgs.gawk
      pkgs.gnused
      pkgs.jq
      pkgs.libarchive
      pkgs.mtools
      pkgs.pacman
      pkgs.squashfsTools
      pkgs.util-linux
      pkgs.xorriso
    ]
    ''
      exec bash ${./iso.sh} ${profile} nix/arch.lock.json ${packages} "''${1:-out}"
    '';
}
