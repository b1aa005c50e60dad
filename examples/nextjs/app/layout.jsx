export const metadata = { title: 'Transak token', icons: 'data:,' }

export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>
}
