"""Anhuan 安还: never miss a card bill, pay the least, be treated fairly by credit."""
