from coffee.cli import main

main()
