# The locked packages of Arch in one folder, each fetched and held to its SHA-256.
{
  pkgs,
  lock,
}:
pkgs.linkFarm "arch-packages" (map ({
    url,
    sha256,
    ...
  }: {
    name = baseNameOf url;
    path = pkgs.fetchurl {inherit url sha256;};
  })
  (pkgs.lib.importJSON lock).packages)
