"""What outlives a request: the wallets' ledger; in memory, the labels of earlier turns."""
