"""`python -m anhuan.cli` is the same as `anhuan`."""

from anhuan.cli.main import main

if __name__ == "__main__":
    main()
