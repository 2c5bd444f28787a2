"""The pages for people: a module for each kind, and a template for each page. They work without scripts."""
